//! Which of several registrations of our MCP server counts where the user stands (seen with CLI 2.1.332): local before
//! project before user scope, and one of project scope only once the user approved it. The server that a plugin brings has
//! another name, and runs beside the one that counts.

use super::mode::ModeSource;

/// For whom a server is registered, in the order in which registrations count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// For this user in one project: a repository with its worktrees, else a directory.
    Local,
    /// For all who use the project: `.mcp.json` in the directory or above.
    Project,
    /// For this user everywhere.
    User,
    /// Wherever the plugin is enabled that brings it.
    Plugin,
}

impl Scope {
    /// As `claude mcp … --scope` names it, which knows no plugins.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Project => "project",
            Self::User => "user",
            Self::Plugin => "plugin",
        }
    }
}

/// What a registration comes to in this directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Claude Code starts this one.
    Counts,
    /// Another one goes before it.
    Behind(Scope),
    /// Of project scope, and nobody approved it yet: interactive sessions ask, `claude -p` does not.
    Unapproved,
    /// Of project scope, and the settings refuse it.
    Refused,
    /// Of a plugin, and switched off for this project.
    Off,
    /// Of a plugin that Claude Code cannot load.
    Unloadable,
}

/// What is said about servers of project scope, in one place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opinion {
    /// Our server is approved, by its name or with all others.
    pub approves: bool,
    /// Our server is refused.
    pub refuses: bool,
}

/// What a registration of project scope comes to. `own`: what the user answered when he was asked. Whoever refuses it is heard
/// everywhere; a project's own settings approve its servers only where the user trusts the project.
#[must_use]
pub fn approval(own: Opinion, settings: &[(ModeSource, Opinion)], is_trusted: bool) -> Standing {
    let approves =
        |(source, said): &(ModeSource, Opinion)| said.approves && (is_trusted || *source != ModeSource::Project);
    if own.refuses || settings.iter().any(|(_, said)| said.refuses) {
        Standing::Refused
    } else if own.approves || settings.iter().any(approves) {
        Standing::Counts
    } else {
        Standing::Unapproved
    }
}

/// What each of several registrations comes to beside the others, which are in the order of their scopes: the first one that
/// could count does, those after it stand behind it, but not that of a plugin.
#[must_use]
pub fn ranked(registrations: &[(Scope, Standing)]) -> Vec<Standing> {
    let mut first = None;
    let rank = |&(scope, standing): &(Scope, Standing)| match (standing, first) {
        _ if scope == Scope::Plugin => standing,
        (Standing::Counts, None) => {
            first = Some(scope);
            standing
        }
        (Standing::Counts | Standing::Unapproved, Some(before)) => Standing::Behind(before),
        _ => standing,
    };
    registrations.iter().map(rank).collect()
}

/// Which of them counts, the first where a plugin's does too; else which one would, were it approved.
#[must_use]
pub fn counting(standings: &[Standing]) -> Option<usize> {
    let of = |wanted| standings.iter().position(|standing| *standing == wanted);
    of(Standing::Counts).or_else(|| of(Standing::Unapproved))
}
