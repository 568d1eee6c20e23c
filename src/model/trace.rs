//! Trace context: what ties the work of several programs to the request that caused it (W3C Trace Context).

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;

use crate::model::failure::{Failure, Kind};

/// Bits of the flags that have a meaning: sampled, and that the trace's id is random. Others must not be passed on.
const KNOWN_FLAGS: u8 = 0b11;
const SAMPLED: u8 = 0b01;

/// Length of version 00: `00-<32 digits>-<16 digits>-<2 digits>`, hexadecimal.
const LENGTH: usize = 55;

/// The value of a `traceparent` header: which trace some work belongs to, and whose call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Traceparent {
    trace_id: NonZeroU128,
    span_id: NonZeroU64,
    flags: u8,
}

impl Traceparent {
    /// A value from its parts.
    #[must_use]
    pub const fn new(trace_id: NonZeroU128, span_id: NonZeroU64, sampled: bool) -> Self {
        Self { trace_id, span_id, flags: if sampled { SAMPLED } else { 0 } }
    }

    /// What the header, or the column, of some request says; nothing where it says nothing usable. The standard has a
    /// malformed value ignored: a request is no worse for it.
    #[must_use]
    pub fn heard(text: Option<&str>) -> Option<Self> {
        text?.trim().parse().ok()
    }

    /// The same trace one step further down: the work that is called `span_id`.
    #[must_use]
    pub const fn child(self, span_id: NonZeroU64) -> Self {
        Self { span_id, ..self }
    }

    /// The trace's id: 32 hexadecimal digits.
    #[must_use]
    pub fn trace_id(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The id of the span that called: 16 hexadecimal digits.
    #[must_use]
    pub fn span_id(self) -> String {
        format!("{:016x}", self.span_id)
    }

    /// Whether the caller records this trace.
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl fmt::Display for Traceparent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl FromStr for Traceparent {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        parse(text).ok_or_else(|| {
            Failure::new(Kind::Invalid, format!("`{}` is no traceparent", text.escape_debug()))
                .hint("it looks like 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01, in lower case")
        })
    }
}

/// Versions after 00 may append fields, and are read as far as they are known.
fn parse(text: &str) -> Option<Traceparent> {
    let (known, more) = text.split_at_checked(LENGTH)?;
    let mut fields = known.split('-');
    let version = hex(fields.next()?, 2)? as u8;
    let trace_id = NonZeroU128::new(hex(fields.next()?, 32)?)?;
    let span_id = NonZeroU64::new(hex(fields.next()?, 16)? as u64)?;
    let flags = hex(fields.next()?, 2)? as u8 & KNOWN_FLAGS;
    let fits = match version {
        0 => more.is_empty(),
        0xff => false,
        _ => more.is_empty() || more.starts_with('-'),
    };
    (fits && fields.next().is_none()).then_some(Traceparent { trace_id, span_id, flags })
}

/// Exactly so many digits; capital ones are not allowed.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = text.len() == digits && text.bytes().all(is_digit);
    u128::from_str_radix(text, 16).ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_standard_s_example_is_read() {
        let example: Traceparent = EXAMPLE.parse().unwrap();
        assert_eq!(example.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(example.span_id(), "00f067aa0ba902b7");
        assert!(example.is_sampled());
        assert_eq!(example.to_string(), EXAMPLE);
        assert_eq!(Traceparent::heard(Some(&format!(" {EXAMPLE}\t"))), Some(example), "blanks around a header's value");
    }

    #[test]
    fn what_the_standard_calls_invalid_is_refused() {
        let long = format!("{EXAMPLE}-00");
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-011",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00_4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7_01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
            &long,
        ] {
            assert_eq!(text.parse::<Traceparent>().unwrap_err().kind(), Kind::Invalid, "{text}");
            assert_eq!(Traceparent::heard(Some(text)), None, "{text}");
        }
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known_and_passed_on_as_ours() {
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-what-the-future-will-be-like";
        let read: Traceparent = later.parse().unwrap();
        assert_eq!(read.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03");
    }

    fn any_traceparent() -> impl Strategy<Value = Traceparent> {
        (1_u128.., 1_u64.., 0..=KNOWN_FLAGS).prop_map(|(trace_id, span_id, flags)| Traceparent {
            trace_id: NonZeroU128::new(trace_id).unwrap(),
            span_id: NonZeroU64::new(span_id).unwrap(),
            flags,
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in any_traceparent()) {
            prop_assert_eq!(value.to_string().parse::<Traceparent>().unwrap(), value);
        }

        #[test]
        fn a_child_stays_in_its_trace(value in any_traceparent(), span_id in 1_u64..) {
            let child = value.child(NonZeroU64::new(span_id).unwrap());
            prop_assert_eq!(child.trace_id(), value.trace_id());
            prop_assert_eq!(child.is_sampled(), value.is_sampled());
            prop_assert_eq!(child.span_id(), format!("{span_id:016x}"));
        }

        #[test]
        fn one_wrong_character_is_never_read_as_another_trace(value in any_traceparent(), at in 0..LENGTH, put in any::<char>()) {
            let mut text: Vec<char> = value.to_string().chars().collect();
            text[at] = put;
            let text: String = text.into_iter().collect();
            // What still parses is written as it was, but for the version and unknown flags.
            if let Ok(read) = text.parse::<Traceparent>() {
                prop_assert_eq!(&read.to_string()[3..53], &text[3..53]);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9a-f-]{50,60}|.{0,60}") {
            if let Ok(read) = text.parse::<Traceparent>() {
                prop_assert_eq!(read.to_string().len(), LENGTH);
            }
        }
    }
}
