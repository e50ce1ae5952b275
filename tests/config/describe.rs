//! Descriptions of projects whose users gave none.

use std::fs;

use agent_dispatch::config::describe::{MAX_DESCRIPTION_CHARS, description};
use proptest::prelude::*;

use super::detect::project;

/// What `/init` writes at the top of each CLAUDE.md.
const INIT: &str = "# CLAUDE.md\n\nThis file provides guidance to Claude Code (claude.ai/code) when working with code in this repository.\n\n";

fn of(files: &[(&str, &str)]) -> String {
    description(project(files).path())
}

#[test]
fn the_file_for_agents_comes_before_the_manifest_before_the_readme() {
    let claude = (
        "CLAUDE.md",
        "# Shop\n\nThe shop sells books to readers\nin three countries. It has an API.\n\n## Commands\n\nRun the tests.\n",
    );
    let agents = ("AGENTS.md", "# Shop\n\nA bookshop for three countries, with agents.\n");
    let package = ("package.json", r#"{"description": " Sells books to readers. "}"#);
    let readme =
        ("README.md", "# Shop\n\n[![build](x)](y) ![logo](z)\n\nshort\n\nThis is the shop that everybody knows.\n");
    assert_eq!(
        of(&[claude, agents, package, readme]),
        "The shop sells books to readers in three countries. It has an API. | Stack: Node.js"
    );
    assert_eq!(of(&[agents, package, readme]), "A bookshop for three countries, with agents. | Stack: Node.js");
    assert_eq!(of(&[package, readme]), "Sells books to readers. | Stack: Node.js");
    assert_eq!(of(&[readme]), "This is the shop that everybody knows.");
    assert_eq!(of(&[("CLAUDE.md", "# Two\n\nDoes two things.\n")]), "Does two things.");
    let hidden = (".claude/CLAUDE.md", "# Shop\n\nThe shop as its agents know it.\n");
    assert_eq!(of(&[hidden, readme]), "The shop as its agents know it.");
    let empty = project(&[]);
    let inner = empty.path().join("shop");
    fs::create_dir(&inner).unwrap();
    assert_eq!(description(&inner), "Agent in shop");
}

#[test]
fn what_is_no_description_is_passed_over() {
    let says = "The gateway routes requests to models.";
    for text in [
        format!("{INIT}## Project Overview\n\n{says}\n"),
        format!("{INIT}{says}\n\n## Commands\n\nnpm test\n"),
        format!("---\nname: billing\nalwaysApply: true\n---\n\n{says}\n"),
        format!("<!-- generated -->\n\n{says}\n"),
        format!("<p align=\"center\">\n<b>Sponsored by a company that sells things</b>\n</p>\n\n{says}\n"),
        format!("```sh\nnpm ci && npm run build\n```\n\n{says}\n"),
        format!("- a bullet that says something long\n- and another one\n\n{says}\n"),
        format!("> **Note**: this is in alpha and will change.\n\n{says}\n"),
        format!("⚠️ This project is in alpha and will change a lot.\n\n{says}\n"),
        format!("Warning: do not use this in production yet, please.\n\n{says}\n"),
        format!("This document provides essential commands and workflows for developers.\n\n{says}\n"),
        format!("| a | table |\n|---|---|\n| of | things |\n\n{says}\n"),
        format!("[English](README.md) · [Deutsch](de.md) · [Français](fr.md)\n\n{says}\n"),
        format!("{says} It has these parts:\n\n- one\n- two\n"),
        format!("# Gateway\n\n@docs/rules.md\n\n{says}\n"),
    ] {
        assert_eq!(of(&[("CLAUDE.md", &text)]), says, "{text}");
    }
    // Instructions are none, and so the next source is asked.
    let rules = format!(
        "{INIT}## Commands\n\nAlways run the whole suite before a commit.\n\n## Style\n\nUse tabs for indentation everywhere.\n"
    );
    let readme = format!("# G\n\nJoin us on Discord, we are many there!\n\n{says}\n");
    assert_eq!(of(&[("CLAUDE.md", &rules), ("README.md", &readme)]), says);
}

#[test]
fn a_name_and_an_instruction_say_nothing() {
    let outer = project(&[]);
    let inner = outer.path().join("book-shop");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("package.json"), r#"{"description": "Book Shop"}"#).unwrap();
    fs::write(inner.join("README.md"), "# Shop\n\nSells books to readers everywhere.\n").unwrap();
    assert_eq!(description(&inner), "Sells books to readers everywhere. | Stack: Node.js");
    let text = "# S\n\nThis is a shop for books. When you're asked to change it, run the tests. Always commit.\n";
    assert_eq!(of(&[("CLAUDE.md", text)]), "This is a shop for books.");
}

#[test]
fn an_import_is_followed_once_and_inside_the_directory() {
    let agents = ("AGENTS.md", "# A\n\nThe shop sells books to readers.\n\n@CLAUDE.md\n");
    for text in ["@AGENTS.md\n", "AGENTS.md", "AGENTS.md\n", "# Title\n\n@AGENTS.md\n", "@./AGENTS.md\n"] {
        assert_eq!(of(&[("CLAUDE.md", text), agents]), "The shop sells books to readers.", "{text}");
    }
    let outer = project(&[("AGENTS.md", "A secret that lies beside the project.\n"), ("inner/README.md", "")]);
    let inner = outer.path().join("inner");
    for text in
        ["@../AGENTS.md\n".to_owned(), format!("@{}/AGENTS.md\n", outer.path().display()), "@CLAUDE.md\n".to_owned()]
    {
        fs::write(inner.join("CLAUDE.md"), &text).unwrap();
        assert_eq!(description(&inner), "Agent in inner", "{text}");
    }
}

#[test]
fn metadata_of_every_common_ecosystem_is_read() {
    let says = "Sells books to readers.";
    for (file, text) in [
        (
            "pyproject.toml",
            "[tool.x]\ndescription = \"no, not this one\"\n[project]\nname = 'p'\ndescription = \"Sells books to readers.\" # c\n",
        ),
        ("pyproject.toml", "[tool.poetry]\ndescription = \"\"\"\nSells books\nto readers.\"\"\"\n"),
        ("Cargo.toml", "[package]\nname = \"shop\"\ndescription = \"Sells books to readers.\"\n"),
        ("Cargo.toml", "[workspace.package]\ndescription = \"Sells books to readers.\"\n"),
        ("package.json", "\u{feff}{\"description\": \"Sells books to readers.\"}"),
        ("composer.json", "{\"description\": \"Sells books to readers.\"}"),
        ("setup.cfg", "[metadata]\nname = shop\ndescription = Sells books to readers.\n"),
        ("setup.py", "setup(\n    name='shop',\n    description='Sells books to readers.',\n)\n"),
        (
            "pom.xml",
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><build><description>no, not this</description></build><description>Sells books\n to readers.</description></project>",
        ),
        ("build.gradle", "plugins { id 'java' }\ndescription = 'Sells books to readers.'\n"),
        ("build.gradle.kts", "description = \"Sells books to readers.\"\n"),
        (
            "shop.gemspec",
            "Gem::Specification.new do |s|\n  s.name = 'shop'\n  s.summary = 'Sells books to readers.'\nend\n",
        ),
        (
            "Shop.csproj",
            "<Project Sdk=\"x\"><PropertyGroup><Description>Sells books to readers.</Description></PropertyGroup></Project>",
        ),
        ("pubspec.yaml", "name: shop\ndescription: Sells books to readers.\n"),
    ] {
        let said = of(&[(file, text)]);
        assert!(said == says || said.starts_with(&format!("{says} | Stack: ")), "{file}: {said}");
    }
}

#[test]
fn readmes_of_every_common_format_are_read() {
    let says = "The shop sells books to readers in three countries.";
    for (file, text) in [
        (
            "README.rst",
            "====\nShop\n====\n\n.. image:: https://x/y.svg\n   :target: z\n\n|badge|\n\nThe shop sells `books <http://x>`_ to\n**readers** in ``three`` countries.\n\nUsage\n-----\n\nRun it.\n",
        ),
        ("README.rst", "Shop\n====\nThe shop sells books to readers in three countries.\n"),
        ("README.adoc", "= Shop\n:toc:\n\nimage::logo.png[]\n\nThe shop sells books to readers in three countries.\n"),
        ("README.org", "#+TITLE: Shop\n\n* Shop\nThe shop sells books to readers in three countries.\n"),
        ("README.txt", "SHOP\n\nThe shop sells books to readers in three countries.\r\n\r\nMore.\r\n"),
        ("README", "The shop sells books to readers in three countries.\n"),
        ("readme.md", "Shop\n====\n\nThe [shop](https://x) sells *books* to readers in three countries.\n"),
    ] {
        assert_eq!(of(&[(file, text)]), says, "{file}");
    }
}

#[test]
fn a_long_text_is_cut_at_a_sentence() {
    let sentence = "The shop sells books to readers, e.g. to you, in v1.2 and later versions. ";
    let said = of(&[("CLAUDE.md", &sentence.repeat(10)), ("go.mod", "")]);
    assert_eq!(said, format!("{} | Stack: Go", sentence.repeat(3).trim_end()));
    let endless = of(&[("README.md", &"word ".repeat(200))]);
    assert!(endless.ends_with("word…") && endless.chars().count() <= MAX_DESCRIPTION_CHARS, "{endless}");
    let servers = (0..50).map(|n| format!("\"server-with-a-long-name-{n}\": {{}}")).collect::<Vec<_>>().join(",");
    let mcp = format!("{{\"mcpServers\": {{{servers}}}}}");
    let said = of(&[("CLAUDE.md", &sentence.repeat(10)), (".mcp.json", &mcp)]);
    assert!(said.starts_with("The shop sells") && said.contains(" | MCP: server-with-a-long-name-0,"), "{said}");
    assert!(said.chars().count() <= MAX_DESCRIPTION_CHARS, "{}", said.len());
}

proptest! {
    #[test]
    fn whatever_the_files_hold_it_is_one_short_line(
        name in prop::sample::select(vec!["CLAUDE.md", "README.md", "README.rst", "pyproject.toml", "pom.xml", "setup.py", "package.json"]),
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..400),
            "(?s)[-#=`*_<>\\[\\]()@|.:! \na-zA-Z\u{1}é😀]{0,600}".prop_map(String::into_bytes),
        ],
    ) {
        let project = project(&[]);
        fs::write(project.path().join(name), bytes).unwrap();
        let said = description(project.path());
        prop_assert!(!said.is_empty() && said.chars().count() <= MAX_DESCRIPTION_CHARS, "{}", said);
        prop_assert!(!said.chars().any(char::is_control), "{:?}", said);
    }
}
