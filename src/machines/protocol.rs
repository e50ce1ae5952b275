//! The dispatch protocol: what an agent is told, in its system prompt, about being run by another agent.

use super::plan::Format;
use super::text;

/// The text to append to the system prompt; `None` when there is nothing to say. `on` is the setting
/// `dispatch_protocol`; the agent's standing `instructions` follow under their own heading also when it is off. The
/// text begins with a heading, never with `-`, so that it cannot be read as an option.
#[must_use]
pub fn system_prompt(
    on: bool,
    instructions: Option<&str>,
    format: Format,
    timeout_seconds: u64,
    budget_usd: Option<f64>,
) -> Option<String> {
    let mut prompt = String::new();
    if on {
        push_protocol(&mut prompt, format, timeout_seconds, budget_usd);
    }
    if let Some(instructions) = instructions.filter(|text| !text::is_blank(text)) {
        if !prompt.is_empty() {
            prompt.push_str("\n\n");
        }
        prompt.push_str("# Standing instructions\n");
        prompt.push_str(instructions.trim_end());
    }
    (!prompt.is_empty()).then_some(prompt)
}

fn push_protocol(prompt: &mut String, format: Format, timeout_seconds: u64, budget_usd: Option<f64>) {
    prompt.push_str(
        "# Dispatch protocol\n\
         Another agent dispatched you and reads only your final message.\n\
         - Nobody can answer you. Never end with a question: choose the sensible assumption, state it, go on.\n\
         - When a tool is denied, name it in your answer and go on without it.\n",
    );
    prompt.push_str(&format!("- Time budget: {timeout_seconds} s in all; unfinished work is cut off there."));
    if let Some(budget) = budget_usd {
        prompt.push_str(&format!(" Spend cap: ${budget}."));
    }
    if format == Format::Text {
        prompt.push_str(
            "\n- Lead with the outcome, details after it.\n\
             - End with one line `STATUS: done`, `STATUS: partial` or `STATUS: blocked`; after the last two, say on \
             that line what is missing.",
        );
    }
}
