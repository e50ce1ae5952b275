//! Tables for a terminal: columns under each other.

use std::ops::Range;

use super::output::Style;

/// Between two columns.
pub const GAP: &str = "  ";

/// The columns of a table, each as wide as its widest cell; the last one is as wide as it is in each line.
pub struct Columns<const N: usize> {
    widths: [usize; N],
    /// The columns of figures, which stand to the right.
    figures: Range<usize>,
}

impl<const N: usize> Columns<N> {
    /// For these rows.
    pub fn of<'a>(rows: impl Iterator<Item = &'a [String; N]> + Clone, figures: Range<usize>) -> Self {
        let width = |column: usize| rows.clone().map(|row| row[column].chars().count()).max().unwrap_or_default();
        Self { widths: std::array::from_fn(|column| if column + 1 < N { width(column) } else { 0 }), figures }
    }

    /// How wide a column is.
    pub const fn width(&self, column: usize) -> usize {
        self.widths[column]
    }

    /// Where the last column begins.
    pub fn last_begins(&self) -> usize {
        self.widths[..N - 1].iter().map(|width| width + GAP.len()).sum()
    }

    /// The cells of a row, each as wide as its column.
    pub fn cells(&self, row: &[String; N]) -> [String; N] {
        std::array::from_fn(|column| {
            let (cell, width) = (&row[column], self.widths[column]);
            if self.figures.contains(&column) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        })
    }

    /// The rows, a line each, under a heading.
    pub fn table(&self, headings: &[String; N], rows: &[[String; N]], style: Style) -> String {
        let line = |row| self.cells(row).join(GAP).trim_end().to_owned();
        let lines = std::iter::once(style.bold(line(headings))).chain(rows.iter().map(line));
        lines.collect::<Vec<_>>().join("\n")
    }
}
