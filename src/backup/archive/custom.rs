//! `pg_dump -Fc -Z0` as it streams by.

use super::{Part, Reader};
use crate::model::failure::Result;

/// Reads the custom format.
#[derive(Debug, Default)]
pub struct CustomReader {}

impl Reader for CustomReader {
    fn feed(&mut self, _piece: &[u8], _tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        unimplemented!()
    }

    fn finish(&mut self, _tell: &mut dyn FnMut(Part<'_>) -> Result<()>) -> Result<()> {
        unimplemented!()
    }
}
