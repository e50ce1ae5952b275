use agent_dispatch::machines::reference::unexpanded;
use agent_dispatch::machines::text;
use proptest::prelude::*;

proptest! {
    #[test]
    fn cuts_never_split_a_character_and_keep_as_much_as_fits(given in "\\PC{0,40}", limit in 0_usize..50) {
        let first = text::first_chars(&given, limit);
        prop_assert_eq!(first, given.chars().take(limit).collect::<String>());
        let count = given.chars().count();
        let last: String = given.chars().skip(count.saturating_sub(limit)).collect();
        prop_assert_eq!(text::last_chars(&given, limit), last);
        let bytes = text::first_bytes(&given, limit);
        prop_assert!(given.starts_with(bytes) && bytes.len() <= limit);
        let next = given[bytes.len()..].chars().next();
        prop_assert!(next.is_none_or(|next| bytes.len() + next.len_utf8() > limit));
    }

    #[test]
    fn one_line_is_one_bounded_line(given in "[\\x00-\\x1f a-z\u{85}\u{2028}é]{0,40}", limit in 0_usize..50) {
        let line = text::one_line(&given, limit);
        prop_assert!(line.chars().count() <= limit);
        let breaks = line.chars().any(|c| c.is_control() || c == '\u{2028}');
        prop_assert!(!breaks);
        prop_assert_eq!(line.trim(), line.as_str());
    }

    #[test]
    fn quoted_text_reads_back(given in any::<String>()) {
        let quoted = text::quoted(&given);
        prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), given);
        prop_assert!(!quoted.contains('\n'));
    }
}

#[test]
fn references_in_a_path_are_told_from_dollar_signs() {
    for (path, reference) in [
        ("/srv/${WORK}/api", "${WORK}"),
        ("$WORK/api", "$WORK"),
        ("/a$/b$_x1-c", "$_x1"),
        ("${WORK:-/srv}/api", "${WORK:-/srv}"),
        ("/cost$5/${1}/${}/$/${open", ""),
        ("/cost$5/${open/$é", ""),
        ("", ""),
    ] {
        let told = unexpanded(path);
        let named = told.as_deref().map(|told| told.rsplit_once(" in place of ").unwrap().1);
        assert_eq!(named.unwrap_or_default(), reference, "{path}: {told:?}");
    }
    assert!(unexpanded("/x/${HOME}/y").unwrap().contains("write `~` in place of ${HOME}"));
}
