//! Logs for whoever looks for a fault: off, unless `AGENT_DISPATCH_LOG` names a filter; on standard error only.

use std::io;

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

use super::output;
use crate::shell::environment;

/// Starts logging where it is asked for. A filter that cannot be read is told and stops nothing.
pub fn start() {
    let Some(filter) = std::env::var_os(environment::LOG).filter(|filter| !filter.is_empty()) else { return };
    match filter.to_string_lossy().parse::<Targets>() {
        Ok(targets) => {
            let layer = fmt::layer().with_writer(io::stderr).with_ansi(false).with_filter(targets);
            // It fails where logging was started already, which a process does once.
            drop(registry().with(layer).try_init());
        }
        Err(error) => output::warning(&format!(
            "{} is not a filter such as `debug` or `agent_dispatch=trace`: {error}",
            environment::LOG
        )),
    }
}
