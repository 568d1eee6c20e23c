//! A file on its way into a bucket: in one request if it is small, else in parts.

use object_store::path::Path as Key;
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use super::{Bucket, Bytes};
use crate::model::failure::{Failure, Kind, Result};

/// The size of the first parts, in bytes.
const PART: usize = 16 << 20;

/// After so many parts their size doubles: there may be 10,000 parts, and files of 5 TB.
const GROWTH: usize = 1200;

/// So many bytes are under way at once, and at least one part.
const UNDER_WAY: usize = 2 * PART;

/// A file on its way. Takes 48 MB of memory, and more only beyond 50 GB.
#[derive(Debug)]
pub(in crate::providers::vault) struct BucketUpload {
    bucket: Bucket,
    key: Key,
    runtime: Handle,
    stage: Stage,
    /// What is not yet under way.
    pieces: Vec<Bytes>,
    bytes: usize,
    /// How many parts are under way or there.
    parts: usize,
    under_way: JoinSet<object_store::Result<()>>,
}

type Parts = Box<dyn MultipartUpload>;

#[derive(Debug)]
enum Stage {
    /// Nothing was sent.
    New,
    /// Parts are asked for. A task of its own, so that whoever stops waiting can still undo it.
    Asked(JoinHandle<object_store::Result<Parts>>),
    Open(Parts),
    Done,
}

impl BucketUpload {
    pub(super) fn begin(bucket: Bucket, key: Key) -> Self {
        let (pieces, under_way) = (Vec::new(), JoinSet::new());
        Self { bucket, key, runtime: Handle::current(), stage: Stage::New, pieces, bytes: 0, parts: 0, under_way }
    }

    pub(in crate::providers::vault) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.bytes += bytes.len();
        self.pieces.push(bytes);
        while self.bytes >= size_of_part(self.parts) {
            let part = self.take(size_of_part(self.parts));
            self.send(part).await?;
        }
        Ok(())
    }

    pub(in crate::providers::vault) async fn finish(mut self) -> Result<()> {
        let rest = self.take(self.bytes);
        if matches!(self.stage, Stage::New) {
            self.bucket.put_key(&self.key, rest).await?;
            self.stage = Stage::Done;
            return Ok(());
        }
        if rest.content_length() > 0 {
            self.send(rest).await?;
        }
        self.wait_below(1).await?;
        let completed = self.open().await?.complete().await;
        completed.map_err(|error| self.failure("completing", &error))?;
        self.stage = Stage::Done;
        Ok(())
    }

    /// Sends a part as soon as there is room for it under way.
    async fn send(&mut self, part: PutPayload) -> Result<()> {
        self.wait_below((UNDER_WAY / part.content_length().max(1)).clamp(1, UNDER_WAY / PART)).await?;
        let sending = self.open().await?.put_part(part);
        self.under_way.spawn_on(sending, &self.runtime);
        self.parts += 1;
        Ok(())
    }

    /// Waits until fewer than `most` parts are under way.
    async fn wait_below(&mut self, most: usize) -> Result<()> {
        while self.under_way.len() >= most {
            if let Some(sent) = self.under_way.join_next().await {
                sent.map_err(broke_off)?.map_err(|error| self.failure("writing", &error))?;
            }
        }
        Ok(())
    }

    async fn open(&mut self) -> Result<&mut Parts> {
        if matches!(self.stage, Stage::New) {
            let (bucket, key) = (self.bucket.clone(), self.key.clone());
            self.stage = Stage::Asked(self.runtime.spawn(async move { bucket.0.s3.put_multipart(&key).await }));
        }
        if let Stage::Asked(asked) = &mut self.stage {
            let answer = asked.await;
            self.stage = Stage::Done;
            let parts = answer.map_err(broke_off)?.map_err(|error| self.failure("beginning", &error))?;
            self.stage = Stage::Open(parts);
        }
        match &mut self.stage {
            Stage::Open(parts) => Ok(parts),
            _ => Err(Failure::new(Kind::Internal, format!("the upload to {} is over", self.key))),
        }
    }

    /// Takes the first `size` bytes of what waits.
    fn take(&mut self, size: usize) -> PutPayload {
        let mut taken = Vec::new();
        let mut missing = size;
        let mut pieces = std::mem::take(&mut self.pieces).into_iter();
        for mut piece in &mut pieces {
            if piece.len() > missing {
                taken.push(piece.split_to(missing));
                self.pieces.push(piece);
                break;
            }
            missing -= piece.len();
            taken.push(piece);
        }
        self.pieces.extend(pieces);
        self.bytes -= size;
        taken.into_iter().collect()
    }

    fn failure(&self, doing: &str, error: &object_store::Error) -> Failure {
        let parts = self.parts.saturating_sub(self.under_way.len());
        self.bucket.failure(doing, &self.key, error).context(format!("after {parts} parts"))
    }
}

impl Drop for BucketUpload {
    fn drop(&mut self) {
        let stage = std::mem::replace(&mut self.stage, Stage::Done);
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        let mut under_way = std::mem::take(&mut self.under_way);
        under_way.abort_all();
        let abort = async move {
            let parts = match stage {
                Stage::Open(parts) => Some(parts),
                Stage::Asked(asked) => asked.await.ok().and_then(std::result::Result::ok),
                Stage::New | Stage::Done => None,
            };
            // A part that is still sent would outlive the upload.
            while under_way.join_next().await.is_some() {}
            let Some(mut parts) = parts else { return };
            if let Err(error) = parts.abort().await {
                let failure = bucket.failure("aborting the upload to", &key, &error);
                tracing::warn!(%failure, "it stays until it is swept");
            }
        };
        self.runtime.spawn(abort);
    }
}

/// The size of the part after so many others.
const fn size_of_part(parts: usize) -> usize {
    PART << (parts / GROWTH)
}

fn broke_off(error: JoinError) -> Failure {
    Failure::new(Kind::Internal, "an upload broke off").source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_file_fits_in_parts_that_are_allowed() {
        let sizes = (0..10_000).map(size_of_part);
        assert!(sizes.clone().sum::<usize>() >= 5 << 40, "5 TB are the most that one object may have");
        assert!(sizes.clone().all(|size| size <= 5 << 30), "5 GB are the most that one part may have");
        assert_eq!(sizes.take(1200).sum::<usize>(), 1200 * PART, "some servers want parts of one size");
    }
}
