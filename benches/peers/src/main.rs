//! Measures the queue beside its peers and the floor, in turn, and prints a table. `benches/peers/run` makes what it wants:
//! a server, the drivers, our program.

mod bed;
mod crash;
mod goals;
mod long;
mod measures;
mod process;
mod results;
mod systems;
mod table;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use bed::{Bed, Scope};
use measures::{LONG, MEASURES, Measure, Run};
use peers::Result;
use results::Results;

const USAGE: &str = "\
Measures the queue beside its peers: benches/peers/run [OPTION...]
  --only MEASURE,...     these measures
  --systems SYSTEM,...   these systems
  --rounds N             how often each is measured, in place of the plan's
  --full                 everything at its full length: hours
  --scale N              counts and times divided by N: a smoke test, no measurement
  --write FILE           puts the table into a document, between its marks
  --list                 says which measures and systems there are";

struct Options {
    only: Vec<String>,
    systems: Vec<String>,
    rounds: Option<u32>,
    scope: Scope,
    write: Option<PathBuf>,
    list: bool,
}

fn options() -> Result<Options> {
    let scope = Scope { full: false, scale: 1 };
    let mut options = Options { only: vec![], systems: vec![], rounds: None, scope, write: None, list: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value\n{USAGE}"));
        let split = |list: String| list.split(',').map(str::to_owned).collect();
        match word.as_str() {
            "--only" => options.only = split(value()?),
            "--systems" => options.systems = split(value()?),
            "--rounds" => options.rounds = Some(value()?.parse()?),
            "--scale" => options.scope.scale = value()?.parse::<u64>()?.max(1),
            "--write" => options.write = Some(value()?.into()),
            "--full" => options.scope.full = true,
            "--list" => options.list = true,
            _ => return Err(format!("there is no option {word}\n{USAGE}").into()),
        }
    }
    Ok(options)
}

fn main() {
    if let Err(error) = run() {
        eprintln!("peers: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result {
    let options = options()?;
    let path = |name: &str| -> Result<PathBuf> {
        Ok(std::env::var_os(name).ok_or_else(|| format!("{name} is not set: run benches/peers/run"))?.into())
    };
    let program = std::env::current_exe()?;
    let drivers = program.parent().unwrap_or(Path::new("."));
    let mut systems = systems::all(&path("PEERS_OURS")?, drivers, &path("PEERS_NODE")?);
    let measures: Vec<&Measure> = MEASURES.iter().chain(&LONG).collect();
    if options.list {
        measures.iter().for_each(|measure| println!("{:14} {}", measure.name, measure.what));
        println!("systems: {}", systems.iter().map(|system| system.name).collect::<Vec<_>>().join(" "));
        return Ok(());
    }
    known(&options.only, &measures.iter().map(|measure| measure.name).collect::<Vec<_>>())?;
    known(&options.systems, &systems.iter().map(|system| system.name).collect::<Vec<_>>())?;
    systems.retain(|system| options.systems.is_empty() || options.systems.iter().any(|name| name == system.name));

    let folder = path("PEERS_RESULTS")?.join("queue");
    std::fs::create_dir_all(&folder)?;
    let server = std::env::var("PEERS_SERVER")?;
    let mut results = Results::new(systems.iter().map(|system| (system.name, system.share)).collect());
    let mut beds = Vec::new();
    for system in systems {
        let name = system.name;
        let bed = match system.missing() {
            Some(missing) => Err(missing.into()),
            None => Bed::new(system, options.scope, &server, folder.clone()),
        };
        match bed {
            Ok(bed) => beds.push(bed),
            Err(error) => results.note(name, &error.to_string()),
        }
    }
    let mut lines = std::fs::File::create(folder.join("results.jsonl"))?;
    for measure in measures {
        if options.only.is_empty() || options.only.iter().any(|name| name == measure.name) {
            take(measure, &beds, &options, &mut results, &mut lines)?;
        }
    }
    let table = table::Table::new(&results, options.scope);
    println!("{}", table.as_text());
    match options.write {
        Some(document) => table.write(&document, &machine(&beds)?),
        None => Ok(()),
    }
}

/// Takes a measure: a round after the other, in each round one system after the other, each round begun by another.
fn take(measure: &Measure, beds: &[Bed], options: &Options, results: &mut Results, lines: &mut impl Write) -> Result {
    // What was asked for by name is measured even where a short run leaves it out.
    let asked = !options.systems.is_empty() && !options.only.is_empty();
    let plan = usize::from(options.scope.full || asked);
    let mut beds: Vec<&Bed> = beds.iter().filter(|bed| measure.takes[plan](&bed.system)).collect();
    if beds.is_empty() {
        return Ok(());
    }
    let rounds = options.rounds.unwrap_or(measure.rounds[usize::from(options.scope.full)].max(u32::from(asked)));
    for round in 0..rounds {
        let mut note = |bed: &Bed, values| {
            let line = results.add(measure.name, bed.system.name, round, values);
            eprintln!("{line}");
            writeln!(lines, "{line}")
        };
        match measure.run {
            Run::Alone(run) => {
                for bed in &beds {
                    note(bed, run(bed))?;
                }
                beds.rotate_left(1);
            }
            Run::Together(run) => {
                for (bed, values) in beds.iter().zip(run(&beds)) {
                    note(bed, values)?;
                }
            }
        }
    }
    Ok(())
}

fn known(asked: &[String], there: &[&str]) -> Result {
    match asked.iter().find(|name| !there.contains(&name.as_str())) {
        Some(name) => Err(format!("{name} is none of {}", there.join(", ")).into()),
        None => Ok(()),
    }
}

/// What it was measured on, and when.
fn machine(beds: &[Bed]) -> Result<String> {
    let said = |program: &str, words: &[&str]| -> Result<String> {
        Ok(String::from_utf8(Command::new(program).args(words).output()?.stdout)?.trim().to_owned())
    };
    let processor = std::fs::read_to_string("/proc/cpuinfo")?;
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let postgres = match beds.first() {
        Some(bed) => bed.client("postgres")?.query_one("show server_version", &[])?.get(0),
        None => String::new(),
    };
    Ok(format!(
        "{}, commit {}, on {} cores of {}, PostgreSQL {postgres}, load {} at the end.",
        said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])?,
        said("git", &["rev-parse", "--short", "HEAD"])?,
        std::thread::available_parallelism()?,
        processor.map_or("an unnamed processor", |(_, name)| name),
        std::fs::read_to_string("/proc/loadavg")?.split(' ').next().unwrap_or_default(),
    ))
}
