//! `--columns`, `--sort`, `--no-header`: what is wanted of a list.

use crate::ui::Wanted;

/// Options of commands that list.
#[derive(clap::Args)]
#[command(next_help_heading = "Table")]
pub struct TableArgs {
    /// Show these columns, named as in the header or as a JSON field
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    columns: Vec<String>,
    /// Sort the table by this column, or with - in front from the greatest
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    sort: Option<String>,
    /// Leave the header out
    #[arg(long)]
    no_header: bool,
}

impl TableArgs {
    /// Returns what is wanted of the list.
    pub fn wanted(&self) -> Wanted {
        let name = |name: &String| name.trim().to_lowercase().replace(' ', "_");
        Wanted {
            columns: self.columns.iter().map(name).collect(),
            sort: self.sort.as_ref().map(name),
            no_header: self.no_header,
        }
    }
}
