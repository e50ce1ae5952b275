//! Sentences and tables in Markdown, no line of which is too long to read.

/// Where a line of running text ends.
const WIDTH: usize = 118;

/// An item of a list, wrapped.
pub fn item(text: &str) -> String {
    wrap(text, "- ", "  ")
}

/// Paragraphs and lists, wrapped. In the yaml each line stands for a paragraph or an item.
pub fn paragraphs(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("- ") {
        Some(rest) => item(rest),
        None => wrap(line, "", ""),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn wrap(text: &str, first: &str, other: &str) -> String {
    let (mut out, mut width) = (first.to_owned(), first.len());
    for (index, word) in text.split_whitespace().enumerate() {
        let length = word.chars().count();
        if index > 0 && width + 1 + length > WIDTH {
            out += "\n";
            out += other;
            width = other.len();
        } else if index > 0 {
            out.push(' ');
            width += 1;
        }
        out += word;
        width += length;
    }
    out
}

/// A table; columns in which nothing stands are left out.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let used = |column: &usize| rows.iter().any(|row| !row[*column].is_empty());
    let columns: Vec<usize> = (0..head.len()).filter(used).collect();
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let mut out = line(columns.iter().map(|column| head[*column]).collect());
    out += &format!("|{}\n", "---|".repeat(columns.len()));
    for row in rows {
        out += &line(columns.iter().map(|column| row[*column].as_str()).collect());
    }
    out
}

/// Names as code, separated by commas.
pub fn codes<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A name as the heading of a page or a section.
pub fn title(name: &str) -> String {
    let name = name.replace('_', " ");
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
