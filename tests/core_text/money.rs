//! Amounts of money as people read them.

use agent_dispatch::machines::money::{brief, exact};

#[test]
fn small_amounts_are_still_seen() {
    for (usd, shown) in
        [(0.0, "$0.00"), (0.0002, "$0.0002"), (0.009_94, "$0.0099"), (0.01, "$0.01"), (12.345, "$12.35")]
    {
        assert_eq!(brief(usd), shown, "{usd}");
    }
    for (usd, shown) in [(0.0, "$0.0000"), (0.0002, "$0.0002"), (0.01, "$0.0100"), (12.345, "$12.3450")] {
        assert_eq!(exact(usd), shown, "{usd}");
    }
}
