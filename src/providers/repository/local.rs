//! Opens a local repository read-only, in place, if nothing of it lies outside the folders that the operator named.

use std::fs;
use std::path::{Path, PathBuf};

use super::snapshot::{Origin, Snapshot};
use super::{MB, open_options, reference};
use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::progress::Report;
use crate::model::repository::{LOCAL_OWNER, Source, local_canonical};

/// Where a repository keeps its parts; all canonical, all under the root.
struct Layout {
    git_dir: PathBuf,
    common_dir: PathBuf,
}

pub(super) fn open(
    path: &Path,
    wanted: Option<&str>,
    settings: &config::Fetch,
    report: &dyn Report,
) -> Result<Snapshot> {
    let folder = canonical(path)?;
    let root = Root::of(&folder, path, &settings.local_roots)?;
    if !folder.is_dir() {
        return Err(Failure::new(Kind::Unusable, format!("{} is a file, not a repository", path.display())));
    }
    let layout = layout(&folder, &root)?;
    confine(&layout, &root)?;
    check_format(&layout)?;

    let repository = gix::ThreadSafeRepository::open_opts(
        &layout.git_dir,
        open_options(settings.max_object_mb.saturating_mul(MB)).open_path_as_is(true),
    )
    .map_err(|e| {
        Failure::new(Kind::Unusable, format!("{} cannot be opened as a repository", path.display())).source(e)
    })?;
    let local = repository.to_thread_local();
    let (commit, reference) = reference::resolve(&local, wanted)?;
    let claimed_url = claimed_url(&local, &settings.allowed_hosts);
    let mut notes = Vec::new();
    if folder.join(".git").exists() {
        notes.push("a local repository: the commit is looked at, not changes that are not committed".to_owned());
    }
    let named = if folder.file_name().is_some_and(|name| name == ".git") { folder.parent() } else { Some(&*folder) };
    let named = named.unwrap_or(&folder);
    let origin = Origin {
        canonical_url: local_canonical(named),
        owner: LOCAL_OWNER.to_owned(),
        name: sanitised_name(named),
        commit_oid: commit.to_string(),
        reference,
        claimed_url,
    };
    Snapshot::take(repository, origin, notes, None, settings, report)
}

/// The root under which a repository was found.
struct Root(PathBuf);

impl Root {
    fn of(folder: &Path, typed: &Path, roots: &[PathBuf]) -> Result<Self> {
        let canonical_roots = roots.iter().filter_map(|root| fs::canonicalize(root).ok());
        canonical_roots.into_iter().find(|root| folder.starts_with(root)).map(Self).ok_or_else(|| {
            let listed: Vec<String> = roots.iter().map(|root| root.display().to_string()).collect();
            let listed = if listed.is_empty() { "none".to_owned() } else { listed.join(", ") };
            Failure::new(Kind::Refused, format!("{} is not under a folder that may be read", typed.display()))
                .hint(format!("allowed folders (fetch.local_roots): {listed}"))
        })
    }

    /// The canonical form of `path`, which must exist under the root.
    fn keep(&self, path: &Path, what: &str) -> Result<PathBuf> {
        let real = fs::canonicalize(path)
            .map_err(|e| Failure::new(Kind::Unusable, format!("{what} {} cannot be read", path.display())).source(e))?;
        if real.starts_with(&self.0) {
            return Ok(real);
        }
        let what = format!("{what} {} lies outside the allowed folder {}", real.display(), self.0.display());
        Err(Failure::new(Kind::Refused, what)
            .hint("name a plain clone, or add a folder that holds both to fetch.local_roots"))
    }
}

fn canonical(path: &Path) -> Result<PathBuf> {
    fs::canonicalize(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::PermissionDenied => {
            Failure::new(Kind::Refused, format!("this user may not read {}", path.display())).source(e)
        }
        _ => Failure::new(Kind::NotFound, format!("there is no folder {}", path.display())).source(e),
    })
}

fn layout(folder: &Path, root: &Root) -> Result<Layout> {
    let dot_git = folder.join(".git");
    let git_dir = if dot_git.is_dir() {
        root.keep(&dot_git, "the Git folder")?
    } else if dot_git.is_file() {
        let file = root.keep(&dot_git, "the file")?;
        let target = first_line(&file)?;
        let target = target
            .strip_prefix("gitdir:")
            .map(str::trim)
            .ok_or_else(|| Failure::new(Kind::Unusable, format!("{} does not name a Git folder", dot_git.display())))?;
        root.keep(&folder.join(target), "this is a linked work tree; its main repository")?
    } else if folder.join("HEAD").is_file() && folder.join("objects").is_dir() {
        folder.to_owned()
    } else {
        return Err(not_a_repository(folder));
    };
    let common = git_dir.join("commondir");
    let common_dir = if common.is_file() {
        let target = first_line(&root.keep(&common, "the file")?)?;
        root.keep(&git_dir.join(target), "this is a linked work tree; its main repository")?
    } else {
        git_dir.clone()
    };
    Ok(Layout { git_dir, common_dir })
}

/// The first line of a small file.
fn first_line(path: &Path) -> Result<String> {
    let unreadable = || Failure::new(Kind::Unusable, format!("{} cannot be read", path.display()));
    if fs::metadata(path).map_err(|e| unreadable().source(e))?.len() > 8192 {
        return Err(unreadable().hint("it is longer than 8 KB"));
    }
    let text = fs::read_to_string(path).map_err(|e| unreadable().source(e))?;
    Ok(text.lines().next().unwrap_or_default().trim_end().to_owned())
}

fn not_a_repository(folder: &Path) -> Failure {
    let parent = folder
        .ancestors()
        .skip(1)
        .find(|above| above.join(".git").exists() || above.join("HEAD").is_file() && above.join("objects").is_dir());
    let failure = Failure::new(Kind::Unusable, format!("{} is not a Git repository", folder.display()));
    match parent {
        Some(parent) => failure.hint(format!("{} is one: name that folder", parent.display())),
        None => failure.hint("`git init` and a commit make it one"),
    }
}

/// Refuses a repository whose parts lead out of the root, by symbolic links or by alternates.
fn confine(layout: &Layout, root: &Root) -> Result<()> {
    let objects = root.keep(&layout.common_dir.join("objects"), "its object folder")?;
    root.keep(&layout.git_dir.join("HEAD"), "its HEAD")?;
    for part in ["refs", "packed-refs", "config", "shallow", "objects/pack", "objects/info", "objects/info/alternates"]
    {
        let path = layout.common_dir.join(part);
        if path.symlink_metadata().is_ok() {
            root.keep(&path, "its part")?;
        }
    }
    for folder in [objects.clone(), objects.join("pack")] {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                root.keep(&entry.path(), "its objects in")?;
            }
        }
    }
    let alternates = gix::odb::alternate::resolve(objects, Path::new("/"))
        .map_err(|e| Failure::new(Kind::Unusable, "its list of alternate object folders is damaged").source(e))?;
    for alternate in alternates {
        root.keep(&alternate, "it borrows objects (objects/info/alternates) from a folder;")?;
    }
    Ok(())
}

/// Refuses the storage formats that we cannot read, before anything misreads them.
fn check_format(layout: &Layout) -> Result<()> {
    let path = layout.common_dir.join("config");
    let Ok(config) = gix::config::File::from_path_no_includes(path, gix::config::Source::Local) else {
        return Ok(());
    };
    for (key, readable) in [("extensions.objectFormat", "sha1"), ("extensions.refStorage", "files")] {
        if let Some(value) = config.string(key)
            && !value.eq_ignore_ascii_case(readable.as_bytes())
        {
            let what = format!("the repository's format {key} = {value} is not supported");
            return Err(Failure::new(Kind::Unusable, what).hint(format!("only {readable} is")));
        }
    }
    Ok(())
}

fn claimed_url(repository: &gix::Repository, allowed_hosts: &[String]) -> Option<String> {
    let config = repository.config_snapshot();
    let text = config.string("remote.origin.url")?;
    match Source::parse(std::str::from_utf8(&text).ok()?, allowed_hosts, &[]) {
        Ok(Source::Remote(url)) => Some(url.canonical()),
        _ => None,
    }
}

fn sanitised_name(folder: &Path) -> String {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = name.strip_suffix(".git").unwrap_or(&name);
    let name: String = name
        .chars()
        .take(100)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' })
        .collect();
    if name.trim_matches(['.', '-']).is_empty() { "repository".to_owned() } else { name }
}
