//! The table of contents of `pg_dump`'s custom format (archive versions 1.14 to 1.16: PostgreSQL 12 to 18).

/// What an archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toc {
    /// Version of the archive's form: 1.14 is (1, 14).
    pub version: (u8, u8),
    /// Whether data blocks are compressed by `pg_dump` itself: ours are not, and only such can be read here.
    pub is_compressed: bool,
    /// The database that was dumped.
    pub database: String,
    /// The server's version, as it tells it.
    pub server_version: String,
    /// `pg_dump`'s version.
    pub dump_version: String,
    /// What is in it.
    pub entries: Vec<Entry>,
}

/// An object, or its data.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub dump_id: i32,
    /// Whether a data block belongs to it.
    pub has_data: bool,
    /// Its name.
    pub tag: String,
    /// What it is: `TABLE`, `TABLE DATA`, `INDEX`, ...
    pub description: String,
    /// 1 none, 2 pre-data, 3 data, 4 post-data.
    pub section: i32,
    /// Its definition.
    pub definition: String,
    /// `COPY public.cats (id, name) FROM stdin;`, where it is a table's data.
    pub copy: String,
    /// Its schema.
    pub schema: String,
    /// Its owner.
    pub owner: String,
}
