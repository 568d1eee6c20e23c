//! A failure between processes: its causes arrive as text.

use std::time::Duration;
use std::{error, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Failure, Kind};

#[derive(Serialize, Deserialize)]
struct Sent {
    kind: Kind,
    what: String,
    hint: Option<String>,
    retry_after: Option<Duration>,
    /// The outermost first.
    causes: Vec<String>,
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sent = Sent {
            kind: self.kind,
            what: self.what.clone(),
            hint: self.hint.clone(),
            retry_after: self.retry_after,
            causes: self.causes(),
        };
        sent.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Failure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let sent = Sent::deserialize(deserializer)?;
        let failure = Self::new(sent.kind, sent.what);
        let failure = sent.hint.into_iter().fold(failure, Self::hint);
        let failure = sent.retry_after.into_iter().fold(failure, Self::after);
        let inside_out = sent.causes.into_iter().rev();
        let cause = inside_out.fold(None, |next, text| Some(Cause { text, next: next.map(Box::new) }));
        Ok(cause.into_iter().fold(failure, Self::source))
    }
}

/// A cause of which only the text was sent.
#[derive(Debug)]
struct Cause {
    text: String,
    next: Option<Box<Cause>>,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl error::Error for Cause {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        self.next.as_deref().map(|next| next as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_arrives_as_it_was_sent() {
        let inner = Failure::new(Kind::Internal, "the wire broke").source("a mouse bit it");
        let sent = Failure::new(Kind::Throttled, "the host is busy")
            .hint("come back later")
            .after(Duration::from_millis(1500))
            .source(inner);
        let arrived: Failure = serde_json::from_str(&serde_json::to_string(&sent).unwrap()).unwrap();
        assert_eq!((arrived.kind(), arrived.what()), (sent.kind(), sent.what()));
        assert_eq!((arrived.hint_text(), arrived.retry_after()), (sent.hint_text(), sent.retry_after()));
        assert_eq!(arrived.causes(), ["the wire broke", "a mouse bit it"]);
    }
}
