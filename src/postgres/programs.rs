//! Finding `PostgreSQL`'s programs, whichever way they were installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fmt, fs};

use crate::db::OLDEST_VERSION;
use crate::model::failure::{Failure, Kind, Result};

/// What a folder must hold to run a private cluster.
const SERVER: [&str; 4] = ["postgres", "initdb", "createdb", "psql"];

/// What it takes to make a backup of a server and to load it.
pub const CLIENTS: [&str; 4] = ["pg_dump", "pg_restore", "psql", "pg_dumpall"];

/// What it takes to try a backup: a scratch cluster, and what looks whether its tables and indexes are sound.
pub const DRILL: [&str; 7] = ["postgres", "initdb", "createdb", "psql", "pg_dump", "pg_restore", "pg_amcheck"];

/// What to type on Debian or Ubuntu when the server is missing.
const INSTALL: &str = "type: sudo apt-get install postgresql   (or set database.bin_folder to the folder that has \
                       initdb and postgres, or database.url to a server that runs elsewhere)";

/// A version as `postgres --version` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 15 of 15.18.
    pub major: u32,
    /// 18 of 15.18; 0 for a development version.
    pub minor: u32,
}

impl Version {
    /// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, or any other program's line of that form.
    fn parse(line: &str) -> Option<Self> {
        let number = line.split_once("(PostgreSQL) ")?.1.split_whitespace().next()?;
        let mut parts = number.splitn(2, '.');
        let major: String = parts.next()?.chars().take_while(char::is_ascii_digit).collect();
        let minor: String = parts.next().unwrap_or("0").chars().take_while(char::is_ascii_digit).collect();
        Some(Self { major: major.parse().ok()?, minor: minor.parse().unwrap_or(0) })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A folder whose programs can run a cluster, and their version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    folder: PathBuf,
    version: Version,
}

impl Programs {
    /// The programs in `configured`, or, when that is empty, the newest that are installed.
    ///
    /// `major` asks for the version that an existing data folder needs.
    ///
    /// # Errors
    /// [`Kind::Environment`] with what to type when there are none, when they do not run, are too old or of another
    /// version than `major`.
    pub fn find(configured: &Path, major: Option<u32>) -> Result<Self> {
        if configured.as_os_str().is_empty() {
            return choose(&installed_folders(), major);
        }
        accept(vec![Self::of_setting(configured, &SERVER)?], major)
    }

    /// The programs `need` for a server of this `server_version_num`: those of its own major version or, where they are
    /// not installed, of the next newer one. `configured` as in [`Programs::find`].
    ///
    /// # Errors
    /// [`Kind::Environment`] with what to type when there are none, or only older ones: `pg_dump` refuses a server that is
    /// newer than itself.
    pub fn for_server(configured: &Path, server_version: u32, need: &[&str]) -> Result<Self> {
        let found = if configured.as_os_str().is_empty() {
            installed_folders().iter().filter_map(|folder| Self::inspect(folder, need).ok()).collect()
        } else {
            vec![Self::of_setting(configured, need)?]
        };
        nearest(found, server_version / 10_000, need)
    }

    /// Where the control files of extensions lie that belong to these programs; none where they do not tell.
    #[must_use]
    pub fn extension_folder(&self) -> Option<PathBuf> {
        let program = self.path("pg_config");
        Some(ask(program.to_str()?, &["--sharedir"])?.join("extension"))
    }

    /// The programs in the folder that the settings name.
    fn of_setting(configured: &Path, need: &[&str]) -> Result<Self> {
        Self::inspect(configured, need).map_err(|why| {
            Failure::new(
                Kind::Environment,
                format!("database.bin_folder {} does not hold PostgreSQL's programs: {why}", configured.display()),
            )
            .hint("leave database.bin_folder empty to use the newest installed, or name the folder that has initdb")
        })
    }

    /// The full path of one program, e.g. `pg_dump`.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where they are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Their version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Asks the first of the needed programs for its version: a wrapper, a broken link or a foreign architecture does not
    /// pass.
    fn inspect(folder: &Path, need: &[&str]) -> Result<Self, String> {
        if let Some(missing) = need.iter().find(|name| !folder.join(name).is_file()) {
            return Err(format!("there is no {missing}"));
        }
        let version = version_of(&folder.join(need.first().unwrap_or(&SERVER[0])))?;
        Ok(Self { folder: folder.to_owned(), version })
    }
}

/// Asks a program for its version.
///
/// # Errors
/// Why it did not answer, in words.
pub fn version_of(program: &Path) -> Result<Version, String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{} does not run: {error}", program.display()))?;
    let line = String::from_utf8_lossy(&output.stdout);
    Version::parse(&line)
        .ok_or_else(|| format!("{} --version answered {:?} ({})", program.display(), line.trim(), output.status))
}

/// Takes the best of the folders that hold usable programs.
fn choose(folders: &[PathBuf], major: Option<u32>) -> Result<Programs> {
    let mut found: Vec<Programs> =
        folders.iter().filter_map(|folder| Programs::inspect(folder, &SERVER).ok()).collect();
    found.sort_by_key(|programs| std::cmp::Reverse(programs.version));
    accept(found, major)
}

/// The first of `found` (newest first) that is new enough and of the asked major version.
fn accept(found: Vec<Programs>, major: Option<u32>) -> Result<Programs> {
    let Some(newest) = found.first().map(Programs::version) else {
        return Err(Failure::new(Kind::Environment, "the PostgreSQL server programs are not installed").hint(INSTALL));
    };
    if newest.major < OLDEST_VERSION {
        return Err(Failure::new(
            Kind::Environment,
            format!("PostgreSQL {newest} is installed, but {OLDEST_VERSION} is the oldest that works"),
        )
        .hint(INSTALL));
    }
    let Some(major) = major else {
        return Ok(found.into_iter().next().expect("the first was looked at above"));
    };
    found.into_iter().find(|programs| programs.version.major == major).ok_or_else(|| {
        Failure::new(
            Kind::Environment,
            format!("the data folder was made by PostgreSQL {major}, but the programs found are of {newest}"),
        )
        .hint(format!(
            "type: sudo apt-get install postgresql-{major}   (or choose another data folder, or upgrade this one \
             with pg_upgrade)"
        ))
    })
}

/// Of the programs found, those for a server of this major version.
fn nearest(mut found: Vec<Programs>, major: u32, need: &[&str]) -> Result<Programs> {
    // The lowest major that is not too low, and of that the newest minor.
    found.sort_by_key(|programs| (programs.version.major, std::cmp::Reverse(programs.version.minor)));
    let newest = found.last().map(|programs| programs.version.major);
    found.into_iter().find(|programs| programs.version.major >= major).ok_or_else(|| {
        let list = need.join(", ");
        let what = newest.map_or_else(
            || format!("the server is PostgreSQL {major}, and its programs are not installed here: {list}"),
            |newest| {
                format!(
                    "the server is PostgreSQL {major}, but the programs found are of {newest}, and older ones refuse it"
                )
            },
        );
        // What runs a server comes in another package than what talks to one.
        let package = if need.contains(&"postgres") { "postgresql" } else { "postgresql-client" };
        Failure::new(Kind::Environment, what).hint(format!(
            "type: sudo apt-get install {package}-{major}   (or set database.bin_folder to the folder that has {})",
            need.first().unwrap_or(&"them")
        ))
    })
}

/// Every folder where the distributions put the server's programs, best first; they may not exist.
fn installed_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    // Debian and Ubuntu, then Red Hat's layout, then an installation from source.
    for (parent, prefix) in [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")] {
        let mut versions: Vec<PathBuf> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path().join("bin"))
            .filter(|folder| folder.is_dir())
            .collect();
        versions.sort();
        folders.append(&mut versions);
    }
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    // `pg_config` and the shell look through PATH; links are followed, because `postgres` finds its libraries and
    // its sister programs beside the real file.
    folders.extend(ask("pg_config", &["--bindir"]));
    for found in ["command -v postgres", "command -v pg_dump"] {
        folders.extend(
            ask("/bin/sh", &["-c", found])
                .and_then(|path| path.canonicalize().ok())
                .and_then(|path| path.parent().map(Path::to_owned)),
        );
    }
    folders
}

/// The path that a program prints.
fn ask(program: &str, arguments: &[&str]) -> Option<PathBuf> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let path = text.trim();
    (output.status.success() && path.starts_with('/')).then(|| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A folder with programs that only know `--version`.
    fn fake(parent: &Path, name: &str, answer: &str) -> PathBuf {
        let folder = parent.join(name);
        fs::create_dir(&folder).unwrap();
        for program in SERVER {
            let path = folder.join(program);
            fs::write(&path, format!("#!/bin/sh\necho '{answer}'\n")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        for (line, major, minor) in [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", 15, 18),
            ("postgres (PostgreSQL) 13.0", 13, 0),
            ("postgres (PostgreSQL) 18beta2", 18, 0),
            ("pg_dump (PostgreSQL) 17.5\n", 17, 5),
        ] {
            assert_eq!(Version::parse(line), Some(Version { major, minor }), "{line}");
        }
        for line in ["", "postgres", "postgres (PostgreSQL) ", "pgbouncer 1.2", "postgres (PostgreSQL) devel"] {
            assert_eq!(Version::parse(line), None, "{line}");
        }
    }

    #[test]
    fn the_newest_is_chosen_unless_the_data_folder_needs_another() {
        let parent = tempfile::tempdir().unwrap();
        let folders = [
            fake(parent.path(), "a", "postgres (PostgreSQL) 15.2"),
            fake(parent.path(), "b", "postgres (PostgreSQL) 17.1"),
            fake(parent.path(), "c", "wrapper: no cluster found"),
            parent.path().join("missing"),
        ];
        assert_eq!(choose(&folders, None).unwrap().folder(), folders[1]);
        assert_eq!(choose(&folders, Some(15)).unwrap().folder(), folders[0]);
        let failure = choose(&folders, Some(14)).unwrap_err();
        assert_eq!(failure.kind(), Kind::Environment);
        assert!(failure.what().contains("made by PostgreSQL 14"), "{failure}");
        assert!(failure.hint_text().unwrap().contains("apt-get install postgresql-14"));
    }

    #[test]
    fn a_server_gets_programs_of_its_version_or_newer() {
        let parent = tempfile::tempdir().unwrap();
        let folders: Vec<PathBuf> = ["15.2", "15.18", "16.9", "18.1"]
            .map(|version| fake(parent.path(), version, &format!("postgres (PostgreSQL) {version}")))
            .to_vec();
        let chosen = |major| {
            let found = folders.iter().filter_map(|folder| Programs::inspect(folder, &["psql"]).ok()).collect();
            nearest(found, major, &["psql"])
        };
        for (major, version) in [(13, "15.18"), (15, "15.18"), (16, "16.9"), (17, "18.1")] {
            assert_eq!(chosen(major).unwrap().version().to_string(), version, "for {major}");
        }
        let failure = chosen(19).unwrap_err();
        assert_eq!(failure.kind(), Kind::Environment);
        assert!(failure.what().contains("the server is PostgreSQL 19, but the programs found are of 18"), "{failure}");
        assert!(failure.hint_text().unwrap().contains("apt-get install postgresql-client-19"), "{failure:?}");
        let failure = Programs::for_server(&folders[0], 150_002, &["psql", "pg_dump"]).unwrap_err();
        assert!(failure.what().contains("there is no pg_dump"), "{failure}");
        assert_eq!(Programs::for_server(&folders[0], 150_018, &["psql"]).unwrap().version().minor, 2);
    }

    #[test]
    fn missing_and_old_programs_say_what_to_type() {
        let parent = tempfile::tempdir().unwrap();
        let old = fake(parent.path(), "old", "postgres (PostgreSQL) 11.22");
        for folders in [vec![], vec![old]] {
            let failure = choose(&folders, None).unwrap_err();
            assert_eq!(failure.kind(), Kind::Environment);
            assert!(failure.hint_text().unwrap().contains("sudo apt-get install postgresql"), "{failure:?}");
        }
        let failure = Programs::find(parent.path(), None).unwrap_err();
        assert!(failure.what().contains(&parent.path().display().to_string()), "{failure}");
        assert!(failure.what().contains("there is no postgres"), "{failure}");
    }
}
