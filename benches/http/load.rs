//! One turn of wrk.

use std::fs;
use std::process::Command;

use crate::Result;
use crate::sides::Side;

/// What wrk asks for.
pub struct Load<'a> {
    side: &'a Side,
    connections: u32,
    seconds: u32,
    script: String,
}

/// What wrk tells.
pub struct Run {
    /// Requests that were answered in a second.
    pub per_second: f64,
    /// In how long 99 of 100 were, in milliseconds.
    pub p99: f64,
}

impl<'a> Load<'a> {
    /// Each request asks for a cat.
    pub fn enqueue(side: &'a Side, connections: u32, seconds: u32) -> Self {
        let script = format!(
            "wrk.method = 'POST'\nwrk.path = '{}'\nwrk.headers['content-type'] = 'application/json'\n{}\
             wrk.body = '{{\"github_url\": \"https://github.com/owner/name\"}}'\n",
            side.route,
            side.header()
        );
        Self { side, connections, seconds, script }
    }

    /// Each request asks for the status of another job.
    pub fn status(side: &'a Side, connections: u32, seconds: u32) -> Self {
        let script = format!(
            "{}ids = {{}}\nfor id in io.lines('{}') do ids[#ids + 1] = id end\nlocal at = 0\n\
             request = function() at = at % #ids + 1; return wrk.format('GET', '{}/' .. ids[at]) end\n",
            side.header(),
            side.ids().display(),
            side.route
        );
        Self { side, connections, seconds, script }
    }

    /// Takes the turn; fails where an answer was no success.
    pub fn run(&self) -> Result<Run> {
        let script = self.side.folder().join("load.lua");
        fs::write(&script, &self.script)?;
        let threads = self.connections.min(2);
        let output = Command::new("wrk")
            .args([format!("-t{threads}"), format!("-c{}", self.connections), format!("-d{}s", self.seconds)])
            .arg("--latency")
            .arg("-s")
            .arg(&script)
            .arg(format!("http://{}", self.side.address))
            .output()
            .map_err(|error| format!("wrk: {error}; scripts/setup bench installs it"))?;
        let said = String::from_utf8(output.stdout)?;
        if !output.status.success() || said.contains("Non-2xx") || said.contains("Socket errors") {
            return Err(format!("{}: {said}{}", self.side.address, String::from_utf8_lossy(&output.stderr)).into());
        }
        let after = |word: &str| {
            let line = said.lines().find_map(|line| line.trim().strip_prefix(word));
            line.map(|rest| rest.trim().to_owned()).ok_or_else(|| format!("wrk tells no {word}: {said}"))
        };
        Ok(Run { per_second: after("Requests/sec:")?.parse()?, p99: milliseconds(&after("99%")?)? })
    }
}

/// A time as wrk writes it, such as `4.46ms`.
fn milliseconds(text: &str) -> Result<f64> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(|| format!("{text} has no unit"))?;
    let factor = match &text[unit..] {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        other => return Err(format!("wrk writes times in {other}").into()),
    };
    Ok(text[..unit].parse::<f64>()? * factor)
}
