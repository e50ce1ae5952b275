//! The product's tools over HTTP on loopback, for suites that speak nothing else. `http-bridge` prints its address.
//!
//! Answers that leave through here redeem no receipts, so records stay: it is a bridge for tests, not a server to run.

use std::io::Write;
use std::sync::Arc;

use agent_dispatch::config::path::Environment;
use agent_dispatch::mcp::server::Server;
use agent_dispatch::mcp::state::ServerState;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio_util::sync::CancellationToken;

/// Who may ask from a browser: pages of this machine.
const ORIGINS: [&str; 2] = ["http://localhost:*", "http://127.0.0.1:*"];

async fn serve() -> std::io::Result<()> {
    let state = Environment::of_process().map(|environment| Arc::new(ServerState::new(environment)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "http://{}/mcp", listener.local_addr()?)?;
    let make =
        move || Ok(Server::new(state.clone(), Default::default(), CancellationToken::new(), CancellationToken::new()));
    let config = StreamableHttpServerConfig::default().with_allowed_origins(ORIGINS);
    let service = StreamableHttpService::new(make, Arc::new(LocalSessionManager::default()), config);
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            // A connection that the client drops is the client's affair.
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}

fn main() -> std::io::Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve())
}
