//! `pg_dump -Fp` as it streams by.

use super::{Part, Reader};
use crate::model::failure::Result;

/// Reads the plain format.
#[derive(Debug, Default)]
pub struct PlainReader {}

impl Reader for PlainReader {
    fn feed(&mut self, _piece: &[u8], _tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        unimplemented!()
    }

    fn finish(&mut self, _tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        unimplemented!()
    }
}
