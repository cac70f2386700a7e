//! Tables of records in PostgreSQL: the layout's description combined with the types of the
//! existing columns.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_postgres::types::Type;

use crate::error::{Failure, usage};
use crate::store::layout::Table;
use crate::store::sql::quoting::{literal, quoted};
use crate::store::sql::time::Cell;
use crate::store::{Kind, MAX_VALUE, Stored};

/// New tokens may be longer by this number of characters than those before.
const GROWTH: usize = 128;

/// Maximum number of rows of a slice, as far as the server knows their number.
const SLICE: u64 = 550_000;

/// Maximum number of slices. The server reads the whole table for each.
const SLICES: u64 = 16;

/// Column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    /// Name of the type, for a domain the underlying one.
    pub type_name: String,
    /// Maximum number of characters.
    pub limit: Option<usize>,
}

/// Table or view of the database.
#[derive(Clone, Debug)]
pub struct Relation {
    pub schema: String,
    pub name: String,
    /// `pg_class.relkind`
    pub kind: String,
    /// True if row-level security restricts this role.
    pub has_policies: bool,
    /// Number of rows when the server last counted them. 0 if it never has.
    pub estimate: u64,
    pub columns: BTreeMap<String, Column>,
    /// Columns of each unique index that covers all rows.
    pub unique: Vec<Vec<String>>,
}

/// Type of a column with records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    Text,
    Json,
    Jsonb,
    Bytes,
}

/// Type of a column with times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Times {
    Zoned,
    /// Without time zone, in UTC.
    Plain,
    /// Seconds or milliseconds since the epoch.
    Number,
    Text,
}

/// Time column.
#[derive(Clone, Debug)]
struct TimeColumn {
    name: String,
    times: Times,
}

/// Rows of one kind of record, and the statements on them. In all statements $1 is the key.
#[derive(Clone, Debug)]
pub struct Rows {
    pub table: Arc<Table>,
    pub relation: Relation,
    place: String,
    key: String,
    key_type: String,
    value: String,
    pub holds: Holds,
    pub limit: Option<usize>,
    created: Option<TimeColumn>,
    updated: Option<TimeColumn>,
    expires: Option<(TimeColumn, i64)>,
    pub has_unique_keys: bool,
}

impl Rows {
    /// Returns the rows of a layout in a table, which must have its columns. `lifetime` is that of
    /// a record in seconds.
    pub fn new(
        table: &Arc<Table>,
        relation: &Relation,
        lifetime: Option<i64>,
    ) -> Result<Self, Failure> {
        let column = |name: &str| {
            relation.columns.get(name).cloned().ok_or_else(|| {
                usage(format!("table {} has no column {name}", relation.name))
                    .hint("check --layout")
            })
        };
        let (key, value) = (column(&table.key)?, column(&table.value)?);
        let holds = match value.type_name.as_str() {
            "json" => Holds::Json,
            "jsonb" => Holds::Jsonb,
            "bytea" => Holds::Bytes,
            "text" | "character varying" | "character" | "citext" => Holds::Text,
            other => {
                return Err(usage(format!(
                    "column {} of table {} has the type {other}",
                    table.value, relation.name
                ))
                .hint("records are in columns of type text, varchar, json, jsonb or bytea"));
            }
        };
        let time = |name: &String| -> Result<TimeColumn, Failure> {
            let times = match column(name)?.type_name.as_str() {
                "timestamp with time zone" => Times::Zoned,
                "timestamp without time zone" => Times::Plain,
                "bigint" | "integer" | "numeric" | "double precision" => Times::Number,
                _ => Times::Text,
            };
            Ok(TimeColumn { name: quoted(name), times })
        };
        let expires = table.expires.as_ref().map(time).transpose()?;
        let only = table.only.iter().map(|(column, _)| column);
        let of_key: Vec<_> = std::iter::once(&table.key).chain(only).collect();
        Ok(Self {
            place: format!("{}.{}", quoted(&relation.schema), quoted(&relation.name)),
            key: quoted(&table.key),
            key_type: key.type_name,
            value: quoted(&table.value),
            holds,
            limit: value.limit,
            created: table.created.as_ref().map(time).transpose()?,
            updated: table.updated.as_ref().map(time).transpose()?,
            expires: expires.zip(lifetime),
            has_unique_keys: relation
                .unique
                .iter()
                .any(|index| index.iter().all(|column| of_key.contains(&column))),
            relation: relation.clone(),
            table: Arc::clone(table),
        })
    }

    /// Refuses a table without a row of which this role may be kept from seeing rows: an empty list
    /// is not "no sessions".
    pub fn check_visible(&self) -> Result<(), Failure> {
        if !self.relation.has_policies {
            return Ok(());
        }
        let name = &self.relation.name;
        Err(usage(format!("row-level security hides every row of table {name} from this role"))
            .hint("log in as the owner of the table, as a role with BYPASSRLS, or add a policy for the role"))
    }

    /// Returns why a newer value of this record might not fit into the column.
    pub fn objection_to_growth(&self, stored: &Stored) -> Option<String> {
        let limit = self.limit?;
        let length = String::from_utf8_lossy(stored.version()).trim_end().chars().count();
        (length + GROWTH > limit).then(|| {
            format!(
                "column {} of table {} takes {limit} characters, the record has {length}, and new tokens may be \
                 longer: give the column the type text",
                self.table.value, self.relation.name
            )
        })
    }

    /// Returns the condition for rows of this kind.
    fn filter(&self) -> String {
        let only = self
            .table
            .only
            .iter()
            .map(|(column, text)| format!("{}::text = {}", quoted(column), literal(text)));
        let prefix = self.table.pattern.prefix();
        let ours = (!prefix.is_empty())
            .then(|| format!("pg_catalog.starts_with({}::text, {})", self.key, literal(prefix)));
        let conditions: Vec<_> = only.chain(ours).collect();
        if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") }
    }

    /// Returns the key $1 cast to the type of its column, so that an index can be used.
    fn wanted(&self, parameter: usize) -> String {
        match self.key_type.as_str() {
            "text" | "character varying" => format!("${parameter}"),
            other => format!("${parameter}::text::{other}"),
        }
    }

    /// Returns the condition for rows with the key $1.
    fn has_key(&self) -> String {
        format!("{} AND {} = {}", self.filter(), self.key, self.wanted(1))
    }

    /// Returns the expression by which values are compared, for JSON its text.
    fn compared(&self) -> String {
        match self.holds {
            Holds::Bytes => self.value.clone(),
            _ => format!("{}::text", self.value),
        }
    }

    /// Returns the type of parameters that are values.
    pub fn value_type(&self) -> Type {
        if self.holds == Holds::Bytes { Type::BYTEA } else { Type::TEXT }
    }

    /// Returns a value parameter cast to the type of the column.
    fn written(&self, parameter: usize) -> String {
        match self.holds {
            Holds::Text | Holds::Bytes => format!("${parameter}"),
            Holds::Json => format!("${parameter}::json"),
            Holds::Jsonb => format!("${parameter}::jsonb"),
        }
    }

    /// Returns the condition for an unchanged row. $2 is the value as read.
    fn is_unchanged(&self) -> String {
        format!("{} AND {} = $2", self.has_key(), self.compared())
    }

    /// Returns the columns of a query: key, value, time of the last write, expiry, and whether the
    /// value is too long.
    fn columns(&self, values: bool) -> String {
        let size = match self.holds {
            // Their length is known without reading the value.
            Holds::Text | Holds::Bytes => format!("pg_catalog.octet_length({})", self.value),
            Holds::Json | Holds::Jsonb => format!("pg_catalog.pg_column_size({})", self.value),
        };
        let value = self.compared();
        let (value, is_long) = if values {
            (
                format!("CASE WHEN {size} <= {MAX_VALUE} THEN {value} END"),
                format!("{size} > {MAX_VALUE}"),
            )
        } else {
            (
                format!("NULL::{}", if self.holds == Holds::Bytes { "bytea" } else { "text" }),
                "FALSE".to_owned(),
            )
        };
        let time = |column: Option<&TimeColumn>| {
            column.map_or_else(|| "NULL::int8".to_owned(), TimeColumn::read)
        };
        let (updated, expires) =
            (time(self.updated.as_ref()), time(self.expires.as_ref().map(|(column, _)| column)));
        format!("{}::text, {value}, {updated}, {expires}, {is_long}", self.key)
    }

    /// Returns the query for rows with the key $1.
    pub fn select_key(&self) -> String {
        format!("SELECT {} FROM {} WHERE {}", self.columns(true), self.place, self.has_key())
    }

    /// Returns the query for rows whose key contains the text $1.
    pub fn select_with(&self) -> String {
        let (columns, place, filter) = (self.columns(true), &self.place, self.filter());
        format!(
            "SELECT {columns} FROM {place} WHERE {filter} AND pg_catalog.strpos({}::text, $1) > 0",
            self.key
        )
    }

    /// Returns the number of slices, a power of two.
    pub fn slices(&self) -> i32 {
        let slices = self.relation.estimate.div_ceil(SLICE).clamp(1, SLICES);
        i32::try_from(slices.next_power_of_two()).unwrap_or(1)
    }

    /// Returns the number of a row's slice. It depends on the key alone, so that a row that is
    /// rewritten stays in its slice.
    fn slice(&self) -> String {
        format!("pg_catalog.hashtext({}::text) & {}", self.key, self.slices() - 1)
    }

    /// Returns the query for all rows of a slice, in no order.
    pub fn select_slice(&self, values: bool, slice: i32) -> String {
        let (columns, place, filter) = (self.columns(values), &self.place, self.filter());
        if self.slices() == 1 {
            return format!("SELECT {columns} FROM {place} WHERE {filter}");
        }
        format!("SELECT {columns} FROM {place} WHERE {filter} AND {} = {slice}", self.slice())
    }

    /// Returns the query for one page in the order of the keys, after the key $1 except for the
    /// first page; if keys are not unique, up to $2. The last column is the slice.
    pub fn select_page(&self, values: bool, is_first: bool, has_end: bool, limit: usize) -> String {
        let above =
            if is_first { "TRUE".to_owned() } else { format!("{} > {}", self.key, self.wanted(1)) };
        let (end, limit) = if has_end {
            (
                format!("{} <= {}", self.key, self.wanted(if is_first { 1 } else { 2 })),
                String::new(),
            )
        } else {
            ("TRUE".to_owned(), format!(" LIMIT {limit}"))
        };
        let (columns, place, filter, key) =
            (self.columns(values), &self.place, self.filter(), &self.key);
        format!(
            "SELECT {columns}, {} FROM {place} WHERE {filter} AND {above} AND {end} ORDER BY {key}{limit}",
            self.slice()
        )
    }

    /// Returns the query for the last key of such a page.
    pub fn select_end(&self, is_first: bool, limit: usize) -> String {
        let above =
            if is_first { "TRUE".to_owned() } else { format!("{} > {}", self.key, self.wanted(1)) };
        let (place, filter, key) = (&self.place, self.filter(), &self.key);
        format!(
            "SELECT {key}::text FROM {place} WHERE {filter} AND {above} ORDER BY {key} LIMIT 1 OFFSET {}",
            limit - 1
        )
    }

    /// Returns the statements that grant a role its permissions on this table.
    pub fn grants(&self, kind: Kind, role: &str) -> String {
        let (place, role) = (&self.place, quoted(role));
        let select = format!("GRANT SELECT, INSERT, DELETE ON {place} TO {role};\n");
        if kind == Kind::State {
            return select;
        }
        let times = self.updated.iter().chain(self.expires.iter().map(|(column, _)| column));
        let columns: Vec<_> =
            std::iter::once(&self.value).chain(times.map(|column| &column.name)).cloned().collect();
        format!("{select}GRANT UPDATE ({}) ON {place} TO {role};\n", columns.join(", "))
    }

    /// Returns the query for values that look like records: JSON with a refresh token, possibly as
    /// a string.
    pub fn select_records(&self) -> String {
        let value = self.compared();
        format!(
            "SELECT {value} FROM {} WHERE pg_catalog.pg_column_size({}) <= {MAX_VALUE} \
             AND {value} ~ '^\\s*[{{\"]' AND pg_catalog.strpos({value}, 'refresh_token') > 0 LIMIT 100000",
            self.place, self.value
        )
    }

    /// Returns the query for the existence of any row.
    pub fn has_any(&self) -> String {
        format!("SELECT 1 FROM {} WHERE {} LIMIT 1", self.place, self.filter())
    }

    /// Returns the query for the existence of the key $1.
    pub fn has_key_sql(&self) -> String {
        format!("SELECT 1 FROM {} WHERE {} LIMIT 1", self.place, self.has_key())
    }

    /// Returns the statement that replaces the value $2 by $3.
    pub fn update(&self) -> String {
        let mut set = vec![format!("{} = {}", self.value, self.written(3))];
        set.extend(
            self.times("pg_catalog.now()")
                .into_iter()
                .map(|(column, value)| format!("{column} = {value}")),
        );
        format!("UPDATE {} SET {} WHERE {}", self.place, set.join(", "), self.is_unchanged())
    }

    /// Returns the query that compares the row of the key $1 with the values $2 and $3, in the
    /// notation of the column.
    pub fn compare(&self) -> String {
        let (place, key) = (&self.place, self.has_key());
        let (value, after) = (self.compared(), self.written(3));
        let after = if self.holds == Holds::Bytes { after } else { format!("({after})::text") };
        format!("SELECT {value} = $2, {value} = {after} FROM {place} WHERE {key}")
    }

    /// Returns the insertion of the value $2, last written at second $3, for the account $4, unless
    /// the key exists.
    pub fn insert(&self) -> String {
        let mut columns = vec![self.key.clone(), self.value.clone()];
        let mut values = vec![self.wanted(1), self.written(2)];
        if let Some((column, text)) = &self.table.only {
            columns.push(quoted(column));
            values.push(literal(text));
        }
        if let Some(column) = &self.table.did {
            columns.push(quoted(column));
            values.push("$4".to_owned());
        }
        let at = "pg_catalog.to_timestamp($3)";
        let created =
            self.created.iter().map(|column| (column.name.clone(), column.write(at, &self.place)));
        for (column, value) in created.chain(self.times(at)) {
            columns.push(column);
            values.push(value);
        }
        let (columns, values) = (columns.join(", "), values.join(", "));
        format!(
            "INSERT INTO {place} ({columns}) SELECT {values} WHERE NOT EXISTS \
             (SELECT 1 FROM {place} WHERE {})",
            self.has_key(),
            place = self.place,
        )
    }

    /// Returns the deletion of one unchanged row. Pending logins are identified by their key alone.
    pub fn delete(&self, kind: Kind, is_too_long: bool) -> String {
        let condition = match kind {
            Kind::State => self.has_key(),
            Kind::Session if is_too_long => {
                format!(
                    "{} AND pg_catalog.octet_length({}) > {MAX_VALUE}",
                    self.has_key(),
                    self.compared()
                )
            }
            Kind::Session => self.is_unchanged(),
        };
        let place = &self.place;
        if self.has_unique_keys {
            return format!("DELETE FROM {place} WHERE {condition}");
        }
        format!(
            "DELETE FROM {place} WHERE ctid = (SELECT ctid FROM {place} WHERE {condition} LIMIT 1)"
        )
    }

    /// Returns the time columns, with this time in the notation of the other rows.
    fn times(&self, at: &str) -> Vec<(String, String)> {
        let updated =
            self.updated.iter().map(|column| (column.name.clone(), column.write(at, &self.place)));
        let expires = self.expires.iter().map(|(column, lifetime)| {
            let at = format!("{at} + {lifetime} * interval '1 second'");
            (column.name.clone(), column.write(&format!("({at})"), &self.place))
        });
        updated.chain(expires).collect()
    }

    /// Parses a time selected by [`Self::columns`].
    pub fn time(&self, cell: Option<Cell<&[u8]>>, is_end: bool) -> Option<Timestamp> {
        let column = if is_end {
            self.expires.as_ref().map(|(column, _)| column)
        } else {
            self.updated.as_ref()
        };
        match (cell?, column?.times) {
            (Cell::Integer(milliseconds), Times::Zoned | Times::Plain) => {
                Timestamp::from_millisecond(milliseconds).ok()
            }
            (cell, _) => cell.read(),
        }
    }

    /// Checks whether [`Self::columns`] selects this time as text.
    pub fn is_text(&self, is_end: bool) -> bool {
        let column = if is_end {
            self.expires.as_ref().map(|(column, _)| column)
        } else {
            self.updated.as_ref()
        };
        column.is_some_and(|column| column.times == Times::Text)
    }
}

impl TimeColumn {
    /// Returns the expression for reading the time: as milliseconds, as the stored number, or as
    /// text.
    fn read(&self) -> String {
        let name = &self.name;
        match self.times {
            Times::Zoned | Times::Plain => {
                format!(
                    "CASE WHEN pg_catalog.isfinite({name}) THEN (extract(epoch FROM {name}) * 1000)::int8 END"
                )
            }
            Times::Number => format!("{name}::int8"),
            Times::Text => format!("{name}::text"),
        }
    }

    /// Returns the expression for a `timestamptz` in the notation of other rows.
    fn write(&self, at: &str, place: &str) -> String {
        let sample = format!(
            "(SELECT {name} FROM {place} WHERE {name} IS NOT NULL LIMIT 1)",
            name = self.name
        );
        match self.times {
            Times::Zoned => at.to_owned(),
            Times::Plain => format!("({at} AT TIME ZONE 'UTC')"),
            Times::Number => {
                let seconds = format!("pg_catalog.floor(extract(epoch FROM {at}))");
                let milliseconds = format!("pg_catalog.floor(extract(epoch FROM {at}) * 1000)");
                format!("CASE WHEN {sample} >= 100000000000 THEN {milliseconds} ELSE {seconds} END")
            }
            Times::Text => {
                let utc = format!("{at} AT TIME ZONE 'UTC'");
                format!(
                    "CASE WHEN {sample}::text LIKE '%T%' \
                     THEN pg_catalog.to_char({utc}, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') \
                     ELSE pg_catalog.to_char({utc}, 'YYYY-MM-DD HH24:MI:SS') END"
                )
            }
        }
    }
}
