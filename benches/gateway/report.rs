//! The table that a run ends with.

use std::time::Duration;

/// Rows of figures and their goals.
#[derive(Default)]
pub(crate) struct Report(String);

impl Report {
    /// Adds a figure that should be at most so much, and shows it at once.
    pub(crate) fn row(&mut self, what: &str, figure: f64, most: f64, remarks: &str) {
        let met = if figure <= most { "yes".to_owned() } else { missed(figure, most) };
        let row = format!("| {what} | {figure:.2} | ≤ {most} | {met} | {remarks} |\n");
        eprint!("{row}");
        self.0.push_str(&row);
    }

    /// The table in Markdown.
    pub(crate) fn table(&self) -> String {
        format!("| scenario | measured | goal | met | remarks |\n| --- | --- | --- | --- | --- |\n{}", self.0)
    }
}

/// The median, 0 of nothing.
pub(crate) fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// The median of some times, in milliseconds.
pub(crate) fn milliseconds(times: &[Duration]) -> f64 {
    median(&times.iter().map(|time| time.as_secs_f64() * 1000.0).collect::<Vec<_>>())
}

fn missed(figure: f64, most: f64) -> String {
    if most > 0.0 { format!("no, {:.0} % over", (figure / most - 1.0) * 100.0) } else { "no".to_owned() }
}
