//! `group`

use clap::{Args, Subcommand};

use crate::config::groups::NewMember;

/// What to do with groups.
#[derive(Debug, Subcommand)]
pub enum GroupVerb {
    /// List the groups
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Show everything about a group
    Inspect {
        /// Name of the group
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Make agents a group
    #[command(after_help = "\
Examples:
  agent-dispatch group add shop --member infra=deployment --member db -d \"db first, then infra\"
  agent-dispatch group add shop --shared-context \"The staging host is shop-7.\" --member infra")]
    Add(GroupAddArguments),

    /// Change the texts of a group
    #[command(after_help = "An empty text clears it. Members: add-member, remove-member.")]
    Update {
        /// Name of the group
        name: String,
        /// What to change.
        #[command(flatten)]
        texts: GroupTexts,
    },

    /// Take a group out of agents.yaml; its agents stay
    Remove {
        /// Name of the group
        name: String,
    },

    /// Make agents members of a group
    AddMember {
        /// Name of the group
        name: String,
        /// Agents; what to ask one for can follow its name
        #[arg(value_name = "AGENT[=USE_FOR]", required = true, value_parser = member)]
        members: Vec<NewMember>,
    },

    /// Take members out of a group
    RemoveMember {
        /// Name of the group
        name: String,
        /// Agents
        #[arg(value_name = "AGENT", required = true)]
        agents: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub struct GroupAddArguments {
    /// Name of the group: letters, digits, - and _
    pub name: String,
    /// The texts.
    #[command(flatten)]
    pub texts: GroupTexts,
    /// An agent that belongs to it; what to ask it for can follow its name. Can be repeated
    #[arg(long = "member", value_name = "AGENT[=USE_FOR]", value_parser = member)]
    pub members: Vec<NewMember>,
}

/// What can be said of a group.
#[derive(Debug, Args)]
pub struct GroupTexts {
    /// How to work with it, for the session that delegates; members never see it
    #[arg(short, long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Facts that each member gets in front of the context of a dispatch with this group
    #[arg(long, value_name = "TEXT")]
    pub shared_context: Option<String>,
}

/// The name of an agent never has a `=` in it.
#[expect(clippy::unnecessary_wraps, reason = "clap wants a result")]
fn member(text: &str) -> Result<NewMember, String> {
    let (agent, use_for) = text.split_once('=').unwrap_or((text, ""));
    Ok(NewMember { agent: agent.trim().to_owned(), use_for: use_for.to_owned() })
}
