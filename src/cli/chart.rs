//! Small bar charts for a terminal. Nothing is said by a bar alone: its figures stand beside it.

/// The part of a character cell that a bar ends with, in eighths.
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const FULL: char = '█';
const LIGHT: char = '░';

/// A bar for `value` where `most` fills `width` cells, padded to `width`. Whatever is above zero shows.
pub fn bar(value: f64, most: f64, width: usize) -> String {
    let eighths = eighths(value, most, width);
    let mut bar = String::from_iter(std::iter::repeat_n(FULL, eighths / 8));
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8]);
    }
    padded(bar, width)
}

/// A bar for `value` that goes on lightly to `further`.
pub fn bar_and_on(value: f64, further: f64, most: f64, width: usize) -> String {
    // Both ends on whole cells: half a cell of one beside half a cell of the other cannot be drawn.
    let (full, end) = (eighths(value, most, width).div_ceil(8), eighths(further, most, width).div_ceil(8));
    let light = std::iter::repeat_n(LIGHT, end.saturating_sub(full));
    padded(std::iter::repeat_n(FULL, full).chain(light).collect(), width)
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a picture")]
fn eighths(value: f64, most: f64, width: usize) -> usize {
    if value.is_nan() || value <= 0.0 || most.is_nan() || most <= 0.0 {
        return 0;
    }
    let cells = width * 8;
    (((value / most).min(1.0) * cells as f64).round() as usize).clamp(1, cells)
}

fn padded(bar: String, width: usize) -> String {
    format!("{bar:<width$}")
}
