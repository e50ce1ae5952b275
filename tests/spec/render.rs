//! What `spec/README.md` shows of the spec: a diagram, a state × event table and the words, generated.

use std::fmt::Write as _;

use super::file::{Idle, MACHINES, Names, Ordered, Spec, Transition, directory};

/// Everything below the hand-written part.
pub fn generated() -> String {
    let mut out = String::new();
    for machine in MACHINES {
        out += &machine_section(&Spec::load(machine));
    }
    out += &invariants_section();
    out
}

fn machine_section(spec: &Spec) -> String {
    let mut out = String::new();
    let (machine, code) = (&spec.machine, &spec.code);
    let _ = write!(out, "\n## {}\n\n{}\n\n", title(machine), spec.about);
    let _ = write!(out, "Spec: [{machine}.yaml]({machine}.yaml). Code: [{code}](../{code}).\n\n");
    out += &diagram(spec);
    let effects = effects_list(&spec.first.effects);
    let _ = write!(out, "\nIt begins in `{}` with {effects}.\n\n", spec.first.state);
    out += &table(spec);
    out += &words(spec);
    out += &actors(spec);
    out
}

/// Who takes part, what each one holds, and how it goes from beginning to end.
fn actors(spec: &Spec) -> String {
    let mut out = String::new();
    if !spec.actors.0.is_empty() {
        out += "\n| actor | is | brings about |\n|---|---|---|\n";
    }
    for (name, actor) in &spec.actors.0 {
        let may: Vec<String> = actor.may.iter().map(|event| format!("`{event}`")).collect();
        let _ = writeln!(out, "| `{name}` | {} | {} |", actor.means, may.join(", "));
    }
    if !spec.locks.0.is_empty() {
        out += "\n| lock | held by | means |\n|---|---|---|\n";
    }
    for (name, lock) in &spec.locks.0 {
        let _ = writeln!(out, "| `{name}` | {} | {} |", lock.held_by, lock.means);
    }
    for (name, story) in &spec.scenarios.0 {
        let _ = write!(out, "\n**{}.** {story}\n", title(name));
    }
    out
}

fn diagram(spec: &Spec) -> String {
    let mut out = format!("```mermaid\nstateDiagram-v2\n    [*] --> {}\n", spec.first.state);
    for row in &spec.transitions {
        for state in froms(spec, &row.from) {
            for event in &row.event.0 {
                let guard = guard_text(&row.when, &row.unless, "[", "]", "");
                let _ = writeln!(out, "    {state} --> {}: {event}{guard}", row.to);
            }
        }
    }
    for (name, state) in &spec.states.0 {
        if state.is_final {
            let _ = writeln!(out, "    {name} --> [*]");
        }
    }
    out + "```\n"
}

fn table(spec: &Spec) -> String {
    let mut out = "| state |".to_owned();
    for event in spec.events.names() {
        let _ = write!(out, " `{event}` |");
    }
    let _ = write!(out, "\n|---|{}\n", "---|".repeat(spec.events.0.len()));
    for (name, state) in &spec.states.0 {
        let mark = if state.is_final { " (final)" } else { "" };
        let _ = write!(out, "| **{name}**{mark} |");
        for event in spec.events.names() {
            let _ = write!(out, " {} |", cell(spec, name, event));
        }
        out.push('\n');
    }
    out
}

/// What happens in a state at an event: one line for each row that speaks of it.
fn cell(spec: &Spec, state: &str, event: &str) -> String {
    let mut lines = Vec::new();
    let speaks = |from: &Names, of: &Names| {
        of.0.iter().any(|name| name == event) && froms(spec, from).iter().any(|name| name == state)
    };
    for row in spec.transitions.iter().filter(|row| speaks(&row.from, &row.event)) {
        lines.push(transition_text(row));
    }
    for row in spec.ignored.iter().filter(|row| speaks(&row.from, &row.event)) {
        lines.push(idle_text("ignored", row));
    }
    for row in spec.no_op.iter().filter(|row| speaks(&row.from, &row.event)) {
        lines.push(idle_text("no-op", row));
    }
    if lines.is_empty() { "invalid".to_owned() } else { lines.join("<br>") }
}

fn transition_text(row: &Transition) -> String {
    let mut text = guard_text(&row.when, &row.unless, "", ": ", "*");
    let _ = write!(text, "→ **{}**", row.to);
    if !row.sets.0.is_empty() {
        let sets: Vec<String> = row.sets.0.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let _ = write!(text, " ({})", sets.join("; "));
    }
    if !row.effects.is_empty() {
        let _ = write!(text, " · {}", effects_list(&row.effects));
    }
    text
}

fn idle_text(what: &str, row: &Idle) -> String {
    format!("{}{what}: {}", guard_text(&row.when, &row.unless, "", ": ", "*"), row.because)
}

fn guard_text(when: &Names, unless: &Names, open: &str, close: &str, emphasis: &str) -> String {
    let positive = when.0.iter().cloned();
    let negative = unless.0.iter().map(|name| format!("not {name}"));
    let all: Vec<String> = positive.chain(negative).collect();
    if all.is_empty() {
        return String::new();
    }
    let space = if open.is_empty() { "" } else { " " };
    format!("{space}{open}{emphasis}{}{emphasis}{close}", all.join(", "))
}

fn words(spec: &Spec) -> String {
    let mut out = "\n| word | kind | means |\n|---|---|---|\n".to_owned();
    let mut line = |word: &str, kind: &str, means: &str| {
        let _ = writeln!(out, "| `{word}` | {kind} | {means} |");
    };
    for (name, group) in &spec.groups.0 {
        let states: Vec<&str> = spec.states.names().filter(|state| spec.expand(name).contains(state)).collect();
        line(name, "group", &format!("{} ({})", group.means, states.join(", ")));
    }
    for (name, state) in &spec.states.0 {
        let holds = if state.holds.is_empty() { String::new() } else { format!("; holds {}", state.holds.join(", ")) };
        line(name, "state", &format!("{}{holds}", state.means));
    }
    plain(&spec.data, "datum", &mut line);
    for (name, event) in &spec.events.0 {
        let carries =
            if event.carries.is_empty() { String::new() } else { format!("; carries {}", event.carries.join(", ")) };
        line(name, "event", &format!("{}{carries}", event.means));
    }
    plain(&spec.guards, "guard", &mut line);
    for (name, effect) in &spec.effects.0 {
        let carries = effect.carries.as_ref().map_or_else(String::new, |path| format!("; carries {path}"));
        line(name, "effect", &format!("{}{carries}", effect.means));
    }
    for (name, number) in &spec.numbers.0 {
        line(name, "number", &format!("{} ms: {}", number.value, number.means));
    }
    out
}

fn plain(sentences: &Ordered<String>, kind: &str, line: &mut impl FnMut(&str, &str, &str)) {
    for (name, means) in &sentences.0 {
        line(name, kind, means);
    }
}

fn invariants_section() -> String {
    let text = std::fs::read_to_string(directory().join("invariants.yaml")).unwrap();
    let invariants: Ordered<String> = serde_yaml::from_str(&text).unwrap();
    let mut out = "\n## Invariants\n\n| id | holds over every sequence of events |\n|---|---|\n".to_owned();
    for (id, sentence) in &invariants.0 {
        let _ = writeln!(out, "| {id} | {sentence} |");
    }
    out
}

/// The states of `from`, in the order of the spec.
fn froms(spec: &Spec, from: &Names) -> Vec<String> {
    let states = spec.states.names().filter(|state| from.0.iter().any(|name| spec.expand(name).contains(state)));
    states.map(str::to_owned).collect()
}

fn effects_list(effects: &[String]) -> String {
    if effects.is_empty() {
        return "no effects".to_owned();
    }
    let quoted: Vec<String> = effects.iter().map(|effect| format!("`{effect}`")).collect();
    quoted.join(", ")
}

fn title(machine: &str) -> String {
    let mut letters = machine.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
