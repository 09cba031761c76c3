//! `hexgate audit deliver`

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use hexgate_audit::{Delivered, Delivery, DeliveryOptions, Problem, SetAside, Until, set_aside};
use hexgate_enforce::platform::Address;
use hexgate_enforce::resolve::{Environment, Settings};

use crate::{
    exit::{Exit, Refused},
    output::{self, Style, Tone, count, harmless},
};

/// Send the platform every decision in the log that it does not have yet
///
/// The log can be written meanwhile. The place reached is saved beside the log, so a killed delivery continues there. An event that the
/// platform does not take although it takes others is set aside, named, and tried again the next time. The project's token is taken from
/// HEXGATE_API_KEY, the platform's address from HEXGATE_API_URL or `--url`. Exit codes: 0 the platform has everything, 1 it refuses events,
/// does not take some, or does not answer, 2 misuse or environment.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  hexgate audit deliver audit
  hexgate audit deliver audit --url https://platform.example.com --follow")]
pub(crate) struct Args {
    /// The folder of the log
    log: PathBuf,

    /// The platform's address: https, or http on this machine
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Continue with new records, and with a platform that does not answer, until stopped
    #[arg(long)]
    follow: bool,

    /// How long a platform that takes nothing is tried
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        conflicts_with = "follow"
    )]
    patience: u64,

    /// How long the platform may take for one event
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let settings = Settings::read(&Environment::from_env()?)?;
    if settings.local_mode {
        bail!("HEXGATE_LOCAL_MODE leaves the platform out; unset it to deliver to the platform");
    }
    let Some(key) = &settings.key else {
        bail!("there is no token for the platform; set HEXGATE_API_KEY to the project's");
    };
    let address = match &args.url {
        Some(url) => Address::parse(url)
            // The address is not shown: it can hold a password.
            .context("`--url` is not the address of a platform")?,
        None => settings.url.clone(),
    };
    let url = address.to_string();
    if !args.log.is_dir() {
        bail!(
            "`{}` is no folder; name the folder of a log",
            args.log.display()
        );
    }
    let mut options = DeliveryOptions::new(address, key.clone());
    options.timeout = Duration::from_secs(args.timeout);
    let until = if args.follow {
        Until::Stopped
    } else {
        Until::Settled
    };
    let delivery = Delivery::attach(&args.log, options, until)?;
    let before = delivery.status();
    let given_up = wait(args, &url, &delivery);
    let done = delivery.finish()?;
    let refused = done.refused - before.refused;
    let aside = set_aside(&args.log)?;
    let is_all = given_up.is_none() && refused == 0 && aside.is_empty();
    tell(&url, &before, &done, is_all)?;
    tell_aside(&url, &aside);
    if let Some(problem) = given_up {
        return Err(Refused::error(format!(
            "{}; the rest is delivered the next time",
            sentence(&url, &problem)
        )));
    }
    if refused > 0 {
        return Err(Refused::error(format!(
            "the platform refused {}; they stay in the log and are not sent again",
            events(refused)
        )));
    }
    if !aside.is_empty() {
        return Err(Refused::error(format!(
            "{} set aside, because the platform takes others and not {}; they stay in the log and are tried again the next time",
            match aside.len() {
                1 => "1 event is".to_owned(),
                more => format!("{more} events are"),
            },
            if aside.len() == 1 {
                "this one"
            } else {
                "these"
            },
        )));
    }
    Ok(Exit::Done)
}

/// Waits for the end. Returns the problem if it gave up.
fn wait(args: &Args, url: &str, delivery: &Delivery) -> Option<Problem> {
    let patience = Duration::from_secs(args.patience);
    let mut moved = (delivery.status().next, Instant::now());
    let before = delivery.status().delivered;
    let mut told = None;
    while delivery.is_running() {
        thread::sleep(LOOK);
        let problem = delivery.problem();
        let Delivered {
            next, delivered, ..
        } = delivery.status();
        if next != moved.0 {
            moved = (next, Instant::now());
        }
        if let Some(problem) = &problem
            && !args.follow
            // A platform that took an event a moment ago may take more.
            && (is_for_the_operator(problem) && delivered == before
                || moved.1.elapsed() >= patience)
        {
            return Some(problem.clone());
        }
        if problem == told {
            continue;
        }
        match &problem {
            Some(problem) => output::warn(&sentence(url, problem)),
            None => output::note(&format!("`{url}` takes events again")),
        }
        told = problem;
    }
    None
}

/// The interval between two looks at the progress.
const LOOK: Duration = Duration::from_millis(50);

/// Whether waiting does not help.
fn is_for_the_operator(problem: &Problem) -> bool {
    matches!(
        problem.status,
        Some(400 | 401 | 403 | 404 | 405 | 413 | 422)
    )
}

/// What is wrong, and what to do about it.
fn sentence(url: &str, problem: &Problem) -> String {
    let remedy = match problem.status {
        Some(401) => "; HEXGATE_API_KEY has to be a token of the project that it knows",
        Some(403) => {
            "; HEXGATE_API_KEY has to be a token of the project that it knows, and no proxy or firewall may block the events"
        }
        Some(400 | 413 | 422) => {
            " to every event; a proxy or firewall may not pass them on: see `--url` and HEXGATE_API_URL"
        }
        Some(404 | 405) => {
            "; it is no platform, or not at this address: see `--url` and HEXGATE_API_URL"
        }
        Some(300..=399) => "; redirects are not followed: name the address that it redirects to",
        _ => "",
    };
    format!("`{url}`: {}{remedy}", harmless(&problem.reason))
}

fn tell(url: &str, before: &Delivered, done: &Delivered, is_all: bool) -> anyhow::Result<()> {
    let style = Style::stdout();
    let mark = if is_all {
        style.paint(Tone::Good, "✓")
    } else {
        style.paint(Tone::Warn, "!")
    };
    let skipped = done.skipped - before.skipped;
    if skipped > 0 {
        output::warn(&format!(
            "{} passed over, because the log does not have them any more, or too many events were set aside",
            match skipped {
                1 => "1 record was".to_owned(),
                more => format!("{more} records were"),
            }
        ));
    }
    output::print(&format!(
        "{mark} {} delivered to {}\n",
        events(done.delivered - before.delivered),
        harmless(url)
    ))
}

/// Which events are set aside, and why.
fn tell_aside(url: &str, aside: &[SetAside]) {
    for it in aside.iter().take(SHOWN) {
        output::warn(&format!(
            "record {} (segment {}) is set aside; about its event `{url}`: {}{}",
            it.record,
            it.segment,
            harmless(&it.reason),
            match it.tries {
                0 => String::new(),
                1 => "; tried once since".to_owned(),
                more => format!("; tried {more} times since"),
            }
        ));
    }
    if aside.len() > SHOWN {
        output::note(&format!(
            "{} more are set aside; `delivery.json` beside the log names all of them",
            aside.len() - SHOWN
        ));
    }
}

/// The most set-aside events that are listed.
const SHOWN: usize = 10;

fn events(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "event")
}
