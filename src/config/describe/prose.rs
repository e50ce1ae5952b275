//! Paragraphs of a text for people or agents, and which of them says what a project is.

use std::path::Path;
use std::sync::LazyLock;

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use regex_lite::Regex;

/// A shorter paragraph is a title or a slogan, in characters, unless it is a sentence.
const MIN_PARAGRAPH_CHARS: usize = 20;
/// Fewer words make no sentence that says something.
const MIN_SENTENCE_WORDS: usize = 3;
/// A paragraph of which so many of a hundred characters are links is navigation, not prose.
const MAX_LINK_PERCENT: usize = 60;
/// Most blocks that are looked at.
const MAX_BLOCKS: usize = 400;

/// What a text is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Instructions for agents: only its introduction and an overview say what the project is.
    ForAgents,
    /// For people: the first real paragraph says it.
    Readme,
}

/// A paragraph and where it stands.
#[derive(Debug, Default)]
struct Paragraph {
    text: String,
    /// Characters of its text that are links.
    linked: usize,
    /// The heading above it, where that is not the title.
    heading: Option<String>,
}

/// The paragraph that says what the project is, on one line; `None` where none does.
pub fn describing(text: &str, name: &Path, source: Source) -> Option<String> {
    let text = text.trim_start_matches('\u{feff}');
    let extension = name.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let paragraphs = match extension.to_ascii_lowercase().as_str() {
        "md" | "markdown" => of_markdown(text),
        _ => of_plain(text),
    };
    let fits = |paragraph: &&Paragraph| match source {
        Source::ForAgents => paragraph.heading.as_deref().is_none_or(is_overview),
        Source::Readme => true,
    };
    paragraphs.iter().filter(fits).find_map(told)
}

/// The whole sentences of a paragraph that say something of the project.
fn told(paragraph: &Paragraph) -> Option<String> {
    let text = one_line(&paragraph.text);
    let characters = text.chars().count();
    let navigates = paragraph.linked * 100 > characters * MAX_LINK_PERCENT && !text.ends_with(['.', '!']);
    if navigates || is_notice(&text) {
        return None;
    }
    let says = |sentence: &&str| !sentence.ends_with(':') && !is_about_the_file(sentence) && !is_instruction(sentence);
    let kept = sentences(&text).into_iter().filter(says);
    let kept = kept.collect::<Vec<_>>().join(" ");
    let is_sentence = kept.ends_with(['.', '!']) && kept.split(' ').count() >= MIN_SENTENCE_WORDS;
    (is_sentence || kept.chars().count() >= MIN_PARAGRAPH_CHARS).then_some(kept)
}

/// Whether a heading promises to say what the project is.
fn is_overview(heading: &str) -> bool {
    const WORDS: [&str; 8] =
        ["overview", "about", "introduction", "what is", "what this", "summary", "project description", "purpose"];
    let heading = heading.to_lowercase();
    WORDS.iter().any(|word| heading.contains(word)) || heading.trim() == "project"
}

/// Whether a sentence speaks of the file that it stands in, as the one that Claude Code's `/init` writes at the top.
fn is_about_the_file(sentence: &str) -> bool {
    static ABOUT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let subject = r"(this|the following) (file|document|guide|page|section|readme|claude\.md|agents\.md)s?\b";
        let command =
            r"(use|follow|read|see|refer to|keep) (these|this|the) (instructions|guidelines|file|document|rules)";
        let guidance = r"guidance (to|for) (claude|ai|coding|agents)|^guidelines? for ";
        Regex::new(&format!("(?i)^{subject}|^{command}|{guidance}")).ok()
    });
    ABOUT.as_ref().is_some_and(|about| about.is_match(sentence))
}

/// Whether a sentence tells its reader what to do instead of what the project is.
fn is_instruction(sentence: &str) -> bool {
    static TELLS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let verb = r"always|never|use|run|follow|see|read|make sure|ensure|avoid|prefer|please|do not|don't|check|remember|keep";
        let condition = r"(when|if|before|after|once) you\b";
        Regex::new(&format!(r"(?i)^\W*(({verb})\b|{condition})|\byou('re| are) (asked|told|expected)\b")).ok()
    });
    TELLS.as_ref().is_some_and(|tells| tells.is_match(sentence))
}

/// Whether a paragraph is a warning, an advertisement or a thank-you.
fn is_notice(text: &str) -> bool {
    static NOTICE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let warning = r"^\W*(warning|note|notice|important|caution|attention|disclaimer|tip|alpha|beta|deprecated|news|update)\b\W";
        let ad = r"\b(sponsor(s|ed|ing|ship)?|discount|coupon|promo code|star (us|this|the repo)|join (us|our)|discord|newsletter|buy me a coffee|donate|translations?:)\b";
        let stage = r"^.{0,60}\b(is|are) (still )?(in|under) (alpha|beta|early|heavy|active)\b|work in progress";
        Regex::new(&format!("(?i){warning}|{ad}|{stage}")).ok()
    });
    NOTICE.as_ref().is_some_and(|notice| notice.is_match(text)) || text.starts_with(['⚠', '🚨', '🚧', '❗'])
}

/// The paragraphs of Markdown that are no part of a list, a quote, a table or code.
fn of_markdown(text: &str) -> Vec<Paragraph> {
    let options = Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS
        | Options::ENABLE_TABLES
        | Options::ENABLE_GFM;
    let mut reader = MarkdownReader::default();
    for event in Parser::new_ext(text, options) {
        match event {
            Event::Start(tag) => reader.start(tag),
            Event::End(tag) => reader.end(tag),
            Event::Text(text) | Event::Code(text) => reader.text(&text),
            Event::SoftBreak | Event::HardBreak => reader.text(" "),
            _ => {}
        }
        if reader.paragraphs.len() >= MAX_BLOCKS {
            break;
        }
    }
    reader.paragraphs.retain(|paragraph| !is_import(&paragraph.text));
    reader.paragraphs
}

/// What is open at a place in Markdown.
#[derive(Debug, Default)]
struct MarkdownReader {
    paragraphs: Vec<Paragraph>,
    open: Option<Paragraph>,
    /// The heading that is being read.
    title: Option<(bool, String)>,
    /// The heading above, where that is not the title.
    heading: Option<String>,
    /// Whether the title was seen: the first heading, whatever its level.
    titled: bool,
    /// How many blocks are open whose paragraphs are none of the text's own.
    hidden: usize,
    links: usize,
    images: usize,
}

impl MarkdownReader {
    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph if self.hidden == 0 => {
                self.open = Some(Paragraph { heading: self.heading.clone(), ..Paragraph::default() });
            }
            Tag::Heading { level, .. } => self.title = Some((level == HeadingLevel::H1, String::new())),
            Tag::Link { .. } => self.links += 1,
            Tag::Image { .. } => self.images += 1,
            tag => self.hidden += usize::from(hides(&tag.to_end())),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph if self.hidden == 0 => self.paragraphs.extend(self.open.take()),
            TagEnd::Heading(_) => {
                if let Some((is_top, text)) = self.title.take() {
                    let is_title = !self.titled || is_top;
                    self.heading = (!is_title || is_overview(&text)).then_some(text);
                    self.titled = true;
                }
            }
            TagEnd::Link => self.links = self.links.saturating_sub(1),
            TagEnd::Image => self.images = self.images.saturating_sub(1),
            tag => self.hidden = self.hidden.saturating_sub(usize::from(hides(&tag))),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some((_, title)) = &mut self.title {
            title.push_str(text);
        } else if let Some(paragraph) = self.open.as_mut().filter(|_| self.hidden == 0 && self.images == 0) {
            paragraph.linked += if self.links > 0 { text.chars().count() } else { 0 };
            paragraph.text.push_str(text);
        }
    }
}

/// Whether the paragraphs of a block are none of the text's own.
fn hides(block: &TagEnd) -> bool {
    use TagEnd::{BlockQuote, CodeBlock, HtmlBlock, List, MetadataBlock, Table};
    matches!(block, BlockQuote(_) | CodeBlock | List(_) | Table | HtmlBlock | MetadataBlock(_))
}

fn is_import(paragraph: &str) -> bool {
    paragraph.split_whitespace().all(|word| word.starts_with('@'))
}

/// The paragraphs of reStructuredText, AsciiDoc, Org and plain text: blocks between empty lines that look like prose.
fn of_plain(text: &str) -> Vec<Paragraph> {
    let mut paragraphs = Vec::new();
    let mut heading = None;
    let mut titled = false;
    let blocks = text.split("\n\n").flat_map(|block| block.split("\r\n\r\n")).take(MAX_BLOCKS);
    for block in blocks {
        let mut lines = block.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect::<Vec<_>>();
        // A title may stand right on top of its first paragraph.
        while let Some((title, rest)) = title_of(&lines) {
            heading = (titled || is_overview(title)).then(|| title.to_owned());
            titled = true;
            lines = rest;
        }
        let Some(first) = lines.first() else { continue };
        if first.starts_with(char::is_whitespace) || is_markup(first) {
            continue;
        }
        let text = lines.iter().filter(|line| !is_markup(line)).copied().collect::<Vec<_>>().join(" ");
        paragraphs.push(Paragraph { text: without_markup(&text), linked: 0, heading: heading.clone() });
    }
    paragraphs
}

/// The title that begins the lines, and the lines after it: with a rule under it (and over it), or behind `=`, `*` or `#`.
fn title_of<'a>(lines: &[&'a str]) -> Option<(&'a str, Vec<&'a str>)> {
    let is_rule = |line: &str| line.len() >= 3 && line.chars().all(|letter| "=-~^\"'`#*+.:_".contains(letter));
    match lines {
        [over, title, under, rest @ ..] if is_rule(over) && is_rule(under) => Some((title, rest.to_vec())),
        [title, under, rest @ ..] if !is_rule(title) && is_rule(under) => Some((title, rest.to_vec())),
        [first, rest @ ..] => {
            let title = first.trim_start_matches(['=', '*', '#']);
            (title.len() < first.len() && title.starts_with(' ')).then(|| (title.trim(), rest.to_vec()))
        }
        [] => None,
    }
}

/// Whether a line is markup of its own: a directive, a field, an attribute, a list item, a badge.
fn is_markup(line: &str) -> bool {
    let line = line.trim_start();
    ["..", "- ", "* ", "+ ", "image:", "//", "----"].iter().any(|mark| line.starts_with(mark))
        || line.starts_with(['|', ':', '<', '!', '[', '{', '%', '$', '>', '#'])
}

/// The text of reStructuredText without its inline markup: `` `text <url>`_ `` and ``` ``code`` ```.
fn without_markup(text: &str) -> String {
    static LINK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"`([^`<]+?)\s*<[^>`]*>`_+").ok());
    let text = LINK.as_ref().map_or_else(|| text.to_owned(), |link| link.replace_all(text, "$1").into_owned());
    text.replace("**", "").replace('`', "").replace("_ ", " ")
}

/// On one line, without control characters.
fn one_line(text: &str) -> String {
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The sentences of a text on one line. An abbreviation, a version or a name with a point in it ends none.
fn sentences(line: &str) -> Vec<&str> {
    const ABBREVIATIONS: [&str; 8] = ["e.g.", "i.e.", "vs.", "etc.", "approx.", "incl.", "cf.", "no."];
    let mut sentences = Vec::new();
    let mut start = 0;
    let bytes = line.as_bytes();
    for at in 0..bytes.len().saturating_sub(1) {
        if !matches!(bytes[at], b'.' | b'!' | b'?') || bytes[at + 1] != b' ' || at < start {
            continue;
        }
        let sentence = &line[start..=at];
        let last = sentence.rsplit(' ').next().unwrap_or_default().to_lowercase();
        if ABBREVIATIONS.contains(&last.as_str()) || line[at + 2..].starts_with(char::is_lowercase) {
            continue;
        }
        sentences.push(sentence);
        start = at + 2;
    }
    if start < line.len() {
        sentences.push(&line[start..]);
    }
    sentences
}

/// As many whole sentences as there is room for, in characters; of a first one that is too long as many words.
pub fn sentences_within(text: &str, most: usize) -> String {
    let line = one_line(text);
    let mut kept = String::new();
    for sentence in sentences(&line) {
        let space = usize::from(!kept.is_empty());
        if kept.chars().count() + space + sentence.chars().count() > most {
            break;
        }
        if space == 1 {
            kept.push(' ');
        }
        kept.push_str(sentence);
    }
    if kept.is_empty() { words_within(&line, most) } else { kept }
}

/// As many whole words as there is room for, in characters, and a sign that there were more.
pub fn words_within(text: &str, most: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= most {
        return line;
    }
    let end = line.char_indices().nth(most.saturating_sub(1)).map_or(line.len(), |(end, _)| end);
    let whole = line[..end].rfind(' ').map_or(&line[..end], |space| &line[..space]);
    let kept = if whole.is_empty() { &line[..end] } else { whole };
    format!("{}…", kept.trim_end_matches([',', ';', ' ']))
}
