//! "Did you mean": the CLI's argument parser proposes options by edit distance.

/// Farther than this many edits nothing is proposed (the parser's own limit).
const MAX_DISTANCE: usize = 3;
/// Less alike than this share of the longer word nothing is proposed (the parser's own limit).
const MIN_SIMILARITY: f64 = 0.4;

/// The line that the CLI adds to "unknown option", with its leading newline; empty when nothing is near.
pub fn did_you_mean(given: &str, known: &[String]) -> String {
    let Some(word) = given.strip_prefix("--") else { return String::new() };
    let mut best: Vec<&str> = Vec::new();
    let mut best_distance = MAX_DISTANCE;
    for candidate in known.iter().filter_map(|k| k.strip_prefix("--")) {
        if candidate.chars().count() <= 1 {
            continue;
        }
        let distance = edits(word, candidate);
        let length = word.chars().count().max(candidate.chars().count());
        #[expect(clippy::cast_precision_loss, reason = "lengths of option names are tiny")]
        let similarity = length.saturating_sub(distance) as f64 / length as f64;
        if similarity <= MIN_SIMILARITY || distance > best_distance {
            continue;
        }
        if distance < best_distance {
            best.clear();
        }
        best_distance = distance;
        best.push(candidate);
    }
    best.sort_unstable();
    match best.as_slice() {
        [] => String::new(),
        [one] => format!("\n(Did you mean --{one}?)"),
        several => {
            let list: Vec<String> = several.iter().map(|s| format!("--{s}")).collect();
            format!("\n(Did you mean one of {}?)", list.join(", "))
        }
    }
}

/// Damerau-Levenshtein distance (optimal string alignment).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > MAX_DISTANCE {
        return a.len().max(b.len());
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut cost = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                cost = cost.min(rows[i - 2][j - 2] + 1);
            }
            row.push(cost);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
