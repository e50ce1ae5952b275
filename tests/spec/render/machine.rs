//! The page of one machine: what it is, its pictures, each of its states, its words.

use std::fmt::Write as _;

use super::super::actors::{Actors, Held};
use super::super::file::{Idle, Names, Ordered, Spec, State, Transition};
use super::text::{codes, item, paragraphs, table, title};
use super::{MARK, picture};

pub fn page(spec: &Spec, actors: &Actors) -> String {
    let (machine, code) = (&spec.machine, &spec.code);
    let mut out = format!("{MARK}\n\n# {}\n\n{}\n\n", title(machine), paragraphs(&spec.about));
    let _ = writeln!(out, "Source: [{machine}.yaml]({machine}.yaml). Code: [{code}](../{code}).");
    let driver = spec.driver.join(" or ");
    let _ =
        writeln!(out, "Driven by: {driver} ([actors.md](actors.md)). How to read this page: [README.md](README.md).");
    let effects = effects(&spec.first.effects);
    let _ = writeln!(out, "\nIt begins in `{}`, with {effects}.\n\n## Pictures\n", spec.first.state);
    out += &picture::all(spec);
    out += "\n## States\n";
    for (name, state) in &spec.states.0 {
        out += &section(spec, actors, name, state);
    }
    out + &words(spec)
}

fn section(spec: &Spec, actors: &Actors, name: &str, state: &State) -> String {
    let group = state.within.as_ref().map_or_else(String::new, |group| format!(" (in {})", groups(spec, group)));
    let mut out = format!("\n### {name}\n\n");
    let mut line = |text: String| {
        let _ = writeln!(out, "{}", item(&text));
    };
    line(format!("**Means:** {}{group}.", state.means));
    if let [fact] = state.facts.as_slice() {
        line(format!("**True here:** {fact}"));
    } else if !state.facts.is_empty() {
        let facts = state.facts.iter().map(|fact| format!("\n  {}", item(fact).replace('\n', "\n  ")));
        out += &format!("- **True here:**{}\n", facts.collect::<String>());
    }
    let mut line = |text: String| {
        let _ = writeln!(out, "{}", item(&text));
    };
    for held in held(spec, actors, name) {
        line(held);
    }
    if !state.holds.is_empty() {
        line(format!("**Remembers:** {}", codes(&state.holds)));
    }
    if state.is_final {
        line(format!("**Final.** {}", nothing_more(spec, name)));
        return out;
    }
    let (rows, ends) = rows(spec, name);
    let ended_by = if ends.is_empty() { "nothing: the machine stays here".to_owned() } else { codes(ends) };
    line(format!("**Ended by:** {ended_by}"));
    for row in spec.no_op.iter().filter(|row| speaks(spec, &row.from, name) && is_unguarded(row)) {
        line(format!("**No-op here:** {}: {}", codes(&row.event.0), row.because));
    }
    let invalid: Vec<&str> = spec.events.names().filter(|event| !spoken_of(spec, name, event)).collect();
    if !invalid.is_empty() {
        line(format!("**Invalid here:** {}", codes(invalid)));
    }
    out.push('\n');
    out + &table(&["event", "by", "if", "then", "effects"], &rows)
}

/// The groups that a state is in, from the inside.
fn groups(spec: &Spec, innermost: &str) -> String {
    let mut names = vec![innermost];
    while let Some(outer) =
        names.last().and_then(|name| spec.groups.get(name)).and_then(|group| group.within.as_deref())
    {
        names.push(outer);
    }
    codes(names)
}

fn held(spec: &Spec, actors: &Actors, state: &str) -> Vec<String> {
    let tables = actors.tables.0.iter().filter(|(name, table)| table.machine_or(name) == spec.machine);
    let rows = tables.filter_map(|(_, table)| Some((table.when.as_deref(), table.states.get(state)?)));
    let line =
        |(when, row): (Option<&str>, &Ordered<Held>)| {
            let of = |wanted: Held| {
                row.0.iter().filter(move |(_, held)| *held == wanted).map(|(name, _)| name.replace('_', " "))
            };
            let parts =
                [(Held::Must, "always"), (Held::May, "sometimes"), (Held::Never, "never")].map(|(wanted, word)| {
                    match of(wanted).collect::<Vec<_>>().as_slice() {
                        [] => String::new(),
                        [one, other] if wanted == Held::Never => format!("neither {one} nor {other}"),
                        names @ [_, _, _, ..] if wanted == Held::Never => format!("none of {}", names.join(", ")),
                        names => format!("{word} {}", names.join(", ")),
                    }
                });
            let parts = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
            format!("**Held{}:** {parts}", when.map_or_else(String::new, |when| format!(" {when}")))
        };
    rows.map(line).collect()
}

/// What becomes of events in a final state, said once.
fn nothing_more(spec: &Spec, state: &str) -> String {
    let because: Vec<&str> =
        spec.no_op.iter().filter(|row| speaks(spec, &row.from, state)).map(|row| row.because.as_str()).collect();
    let all = spec.events.names().all(|event| spoken_of(spec, state, event));
    let what = if all { "Every event is a no-op" } else { "Events are no-ops or invalid" };
    format!("{what}: {}.", because.join("; "))
}

/// What happens at each event, and the events that end the state.
fn rows<'a>(spec: &'a Spec, state: &str) -> (Vec<Vec<String>>, Vec<&'a str>) {
    let (mut rows, mut ends) = (Vec::new(), Vec::new());
    for (event, declared) in &spec.events.0 {
        let by = declared.by.join(", ");
        let mut cases: Vec<Case<'_>> = Vec::new();
        let mut push = |when: &'a Names, unless: &'a Names, then: String, effects: String| {
            cases.push(Case { when: names(when), unless: names(unless), then, effects });
        };
        let of = |from: &Names, events: &Names| events.0.iter().any(|name| name == event) && speaks(spec, from, state);
        for row in spec.transitions.iter().filter(|row| of(&row.from, &row.event)) {
            if row.to != state && ends.last() != Some(&event.as_str()) {
                ends.push(event.as_str());
            }
            push(&row.when, &row.unless, then(row, state), codes(&row.effects));
        }
        for row in spec.ignored.iter().filter(|row| of(&row.from, &row.event)) {
            push(&row.when, &row.unless, format!("ignored: {}", row.because), String::new());
        }
        for row in spec.no_op.iter().filter(|row| of(&row.from, &row.event) && !is_unguarded(row)) {
            push(&row.when, &row.unless, format!("no-op: {}", row.because), String::new());
        }
        let is_list = cases.len() >= LIST_CASES;
        for (index, case) in if is_list { decision_list(cases) } else { cases }.into_iter().enumerate() {
            let guards = guards(&case.when, &case.unless);
            let condition = match (is_list, guards.is_empty()) {
                (false, _) => guards,
                (true, false) => format!("{}. {guards}", index + 1),
                (true, true) => format!("{}. otherwise", index + 1),
            };
            rows.push(vec![format!("`{event}`"), by.clone(), condition, case.then, case.effects]);
        }
    }
    (rows, ends)
}

/// An event with so many rows in a state has them as a list, of which the first that applies counts.
const LIST_CASES: usize = 3;

/// What an event leads to under some guards.
struct Case<'a> {
    when: Vec<&'a str>,
    unless: Vec<&'a str>,
    then: String,
    effects: String,
}

/// Guards as they are written.
pub fn names(names: &Names) -> Vec<&str> {
    names.0.iter().map(String::as_str).collect()
}

/// The cases in an order in which each is asked only after those before it, without the guards that these answer: "not G" goes
/// where a case before it asks for G and, beside it, only for what this one asks for as well. That changes nothing, because
/// at most one case applies.
fn decision_list(mut cases: Vec<Case<'_>>) -> Vec<Case<'_>> {
    let mut list: Vec<Case<'_>> = Vec::new();
    while !cases.is_empty() {
        for case in &mut cases {
            let Case { when, unless, .. } = case;
            unless.retain(|guard| {
                let answers = |before: &Case<'_>| {
                    let mut beside = before.when.iter().filter(|name| *name != guard);
                    before.unless.is_empty() && before.when.contains(guard) && beside.all(|name| when.contains(name))
                };
                !list.iter().any(answers)
            });
        }
        let rank = |case: &Case<'_>| {
            (case.when.len() + case.unless.len() == 0, case.unless.len(), usize::MAX - case.when.len())
        };
        let next = (0..cases.len()).min_by_key(|index| rank(&cases[*index])).unwrap_or(0);
        list.push(cases.remove(next));
    }
    list
}

/// A no-op whatever else: it is told beside the table, once for all of its events.
const fn is_unguarded(row: &Idle) -> bool {
    row.when.0.is_empty() && row.unless.0.is_empty()
}

fn then(row: &Transition, state: &str) -> String {
    let mut text = if row.to == state { "stays".to_owned() } else { format!("→ **{}**", row.to) };
    if !row.sets.0.is_empty() {
        let sets: Vec<String> = row.sets.0.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let _ = write!(text, " ({})", sets.join("; "));
    }
    text
}

/// The guards of a row in words.
pub fn guards(when: &[&str], unless: &[&str]) -> String {
    let negative = unless.iter().map(|name| format!("not {name}"));
    when.iter().map(|name| (*name).to_owned()).chain(negative).collect::<Vec<_>>().join(", ")
}

fn speaks(spec: &Spec, from: &Names, state: &str) -> bool {
    from.0.iter().any(|name| spec.expand(name).contains(state))
}

fn spoken_of(spec: &Spec, state: &str, event: &str) -> bool {
    spec.rows().iter().any(|row| spec.speaks_of(row, state, event))
}

fn effects(names: &[String]) -> String {
    match names {
        [] => "no effect".to_owned(),
        [one] => format!("the effect `{one}`"),
        several => format!("the effects {}", codes(several)),
    }
}

/// Every word of the machine and what it means.
fn words(spec: &Spec) -> String {
    let mut out = String::new();
    let mut kind = |kind: &str, items: Vec<String>| {
        if !items.is_empty() {
            let _ = write!(out, "\n## {kind}\n\n");
            items.iter().for_each(|text| {
                let _ = writeln!(out, "{}", item(text));
            });
        }
    };
    let events = spec.events.0.iter().map(|(name, event)| {
        let carries = with("carries", codes(&event.carries));
        format!("`{name}` (by {}{carries}): {}", event.by.join(", "), event.means)
    });
    kind("Events", events.collect());
    let effects = spec.effects.0.iter().map(|(name, effect)| match &effect.carries {
        Some(carries) => format!("`{name}` (carries `{carries}`): {}", effect.means),
        None => format!("`{name}`: {}", effect.means),
    });
    kind("Effects", effects.collect());
    let plain = |(name, means): &(String, String)| format!("`{name}`: {means}");
    kind("Guards", spec.guards.0.iter().map(plain).collect());
    kind("Data that states remember", spec.data.0.iter().map(plain).collect());
    let numbers = spec.numbers.0.iter();
    kind("Numbers", numbers.map(|(name, n)| format!("`{name}`: **{} {}**, {}", n.value, n.unit, n.means)).collect());
    let groups = spec.groups.0.iter().map(|(name, group)| {
        let states: Vec<&str> = spec.states.names().filter(|state| spec.expand(name).contains(state)).collect();
        format!("`{name}` ({}): {}", states.join(", "), group.means)
    });
    kind("Groups of states", groups.collect());
    out
}

fn with(what: &str, names: String) -> String {
    if names.is_empty() { names } else { format!("; {what} {names}") }
}
