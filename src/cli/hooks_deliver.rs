use serde_json::json;

use super::{
    CliError, Context, Exit, hooks,
    listing::{Shape, json_text},
};

/// Tell the hook on_suppress what it has not taken yet
///
/// Every command that writes does so at its end; this one only that.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Do not wait until it is time for the next try; try also what was given up
    #[arg(long)]
    all: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    if context.config.hooks.on_suppress.is_empty() {
        return Err(CliError::usage("no hook is configured")
            .hint("set `on_suppress = [\"command\", \"argument\"]` in [hooks]"));
    }
    let mut store = context.store()?;
    if args.all {
        store.retry_all()?;
    }
    let delivery = hooks::deliver(context, &mut store)?;
    if delivery.busy {
        return Err(CliError::new(Exit::Locked, "another run is delivering"));
    }
    if args.format == Shape::Json {
        let told = json!({
            "delivered": delivery.delivered,
            "failed": delivery.failed,
            "error": delivery.error,
        });
        println!("{}", json_text(&format!("{told:#}")));
    } else {
        println!(
            "{} delivered, {} failed",
            delivery.delivered, delivery.failed
        );
    }
    Ok(match delivery.error {
        Some(error) => {
            eprintln!("error: {error}");
            Exit::SomeFailed
        }
        None => Exit::Done,
    })
}
