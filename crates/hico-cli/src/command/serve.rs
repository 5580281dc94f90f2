use super::evaluation;
use super::taking::hinted;
use crate::args::ServeArgs;
use crate::output::{HintExt as _, Output};
use crate::{hints, interrupt};
use anyhow::Context as _;
use hico_eval::card::{Card, Statements};
use hico_model::export::{Target, export};
use hico_model::predict::model::Model;
use hico_model::weights::WeightsOf;
use hico_serve::config::{Config, Limits, Token};
use hico_serve::serve;
use hico_train::pretrained;
use serde::Serialize;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

/// Where it listens.
#[derive(Serialize)]
struct Listening {
    url: String,
}

/// `hico serve MODEL`: the network over HTTP, and a page.
pub(crate) fn run(args: &ServeArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let stop = interrupt::flag()?;
    let config = config(args)?;
    let device = args.device.open()?;
    let model = hinted(Model::open(&args.model, &device).map_err(Into::into))?;
    let card = card(args, &model)?;
    let listener = TcpListener::bind(config.listen)
        .with_context(|| config.listen.to_string())
        .hint(|| "choose another --listen; port 0 takes any that is free".to_owned())?;
    let listening = Listening { url: format!("http://{}", listener.local_addr()?) };
    output.result(&listening, |listening| format!("{} (Ctrl-C ends it)", listening.url))?;
    serve(listener, model, card, config, &stop)?;
    output.note("ended");
    Ok(ExitCode::SUCCESS)
}

fn config(args: &ServeArgs) -> anyhow::Result<Config> {
    let remedy = || "`openssl rand -hex 24` makes one; give it as HICO_TOKEN".to_owned();
    let token = args.token.as_deref().map(|word| {
        Token::new(word).with_context(|| format!("the token has less than {} bytes", Token::SHORTEST)).hint(remedy)
    });
    let token = token.transpose()?;
    if token.is_none() && !is_loopback(args.listen) {
        return Err(anyhow::anyhow!("{}: others can reach this address, and there is no token", args.listen))
            .hint(remedy);
    }
    let limits = Limits {
        body_bytes: args.max_body.get() as u64 * 1_000_000,
        frames: args.max_frames.get(),
        seconds: args.max_seconds,
        at_once: args.at_once.get(),
        waiting: args.waiting,
    };
    Ok(Config { listen: args.listen, token, limits, threads: rayon::current_num_threads() })
}

const fn is_loopback(address: SocketAddr) -> bool {
    address.ip().is_loopback()
}

/// What `hico export` would say of the network.
fn card(args: &ServeArgs, model: &Model) -> anyhow::Result<serde_json::Value> {
    let source = hints::hinted(pretrained::source(&model.file, &WeightsOf::Online), hints::encoder)?;
    let statements = Statements {
        data_licence: args.data_licence.clone(),
        intended_use: args.intended_use.clone(),
        hide_groups: true,
    };
    let side = source.view().side;
    let exported = export(&source, Target::Hico, side)?;
    let evaluations = evaluation::beside(&model.file)?;
    let mut card = Card::new(&source, Target::Hico, side, &model.file, &exported, &evaluations, &statements);
    // The file itself is served.
    card.sha256 = source.sha256;
    Ok(serde_json::to_value(card)?)
}
