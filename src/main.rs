//! The command line.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use calendar_relay::commands::{
    Ending, Trouble, check, credentials, demo, lookup, outbox, policy, serve, setup, simulate,
};
use calendar_relay::config::LogFormat;
use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use tracing_subscriber::EnvFilter;

/// The system's allocator gives large answers' memory back to the kernel and takes it again at every
/// request.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// An EWS-compatible HTTPS gateway that answers from Microsoft Graph.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    /// Serve clients.
    Serve {
        /// The configuration, see config.example.toml.
        #[arg(long)]
        config: PathBuf,
    },
    /// Show the gateway at work, on loopback with a simulated Microsoft Graph; needs no configuration.
    Demo {
        /// Write addresses and credentials to this file, as JSON.
        #[arg(long)]
        details: Option<PathBuf>,
        /// Seed the simulator from this file (fixtures/worlds/README.md).
        #[arg(long)]
        world: Option<PathBuf>,
        /// Where the gateway listens; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:8443")]
        listen: SocketAddr,
        /// Where the simulator listens.
        #[arg(long, default_value = "127.0.0.1:8444")]
        simulator_listen: SocketAddr,
        /// Where operators look.
        #[arg(long, default_value = "127.0.0.1:9090")]
        admin_listen: SocketAddr,
        /// Also show the out-of-office monitor, with a simulated mediator that it tells.
        #[arg(long)]
        monitor: bool,
        /// Where the monitor listens.
        #[arg(long, default_value = "127.0.0.1:8445")]
        monitor_listen: SocketAddr,
        /// Where the mediator listens.
        #[arg(long, default_value = "127.0.0.1:8446")]
        mediator_listen: SocketAddr,
        /// One more name for the certificate.
        #[arg(long = "hostname")]
        hostnames: Vec<String>,
        /// Which log lines to print, on standard error.
        #[arg(long, default_value = "warn")]
        log: String,
    },
    /// Check a configuration. Ends with 0 when nothing failed, 1 when something did, and with --strict 3 when there are
    /// only warnings.
    Check {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// Also ask Microsoft: each credential's token, what it is granted beside what it needs, and a call for what it
        /// serves; and the gateway itself at its public URL. Writes nothing.
        #[arg(long)]
        online: bool,
        /// A mailbox to try calls with; one of each tenant. Before tenants.check.allowed.
        #[arg(long = "mailbox", requires = "online")]
        mailboxes: Vec<String>,
        /// A mailbox that credentials scoped by Exchange must not reach; one of each tenant. Before
        /// tenants.check.forbidden.
        #[arg(long, requires = "online")]
        forbidden: Vec<String>,
        /// Also go a caller's way, as this client: a token from /token, and busy times of the first mailbox.
        #[arg(long, requires_all = ["online", "secret_file"])]
        client: Option<String>,
        /// The client's secret, in a file.
        #[arg(long, requires = "client")]
        secret_file: Option<PathBuf>,
        /// The client's certificate with its key, PEM, where it has to show one.
        #[arg(long, requires = "client")]
        client_certificate: Option<PathBuf>,
        /// Certificate authorities, PEM, that the gateway's callers trust besides the usual ones.
        #[arg(long, requires = "online")]
        public_ca: Option<PathBuf>,
        /// How to report: text, or json for programs.
        #[arg(long, value_enum, default_value_t = check::Format::Text)]
        format: check::Format,
        /// End with 3 when there are warnings and nothing failed.
        #[arg(long)]
        strict: bool,
    },
    /// Ask a few questions, and write a configuration, manifests for Entra and PowerShell for Exchange.
    Setup(Box<setup::Flags>),
    /// Look up busy times, through a configuration or the demonstration.
    Lookup {
        /// Whom.
        #[arg(required = true)]
        mailboxes: Vec<String>,
        /// The configuration; the demonstration's simulator without it.
        #[arg(long)]
        config: Option<PathBuf>,
        /// From when, on the zone's clock; today without it.
        #[arg(long)]
        from: Option<String>,
        /// To when; a day later without it.
        #[arg(long)]
        to: Option<String>,
        /// A Windows or IANA time zone.
        #[arg(long, default_value = "UTC")]
        zone: String,
    },
    /// Simulate Microsoft Graph and Entra.
    Simulate {
        /// Where to listen.
        #[arg(long, default_value = "127.0.0.1:8444")]
        listen: SocketAddr,
        /// Seed from this file.
        #[arg(long)]
        world: Option<PathBuf>,
        /// Over TLS, with a certificate of the moment.
        #[arg(long)]
        tls: bool,
        /// Also simulate the mediator of a telephone system, listening here.
        #[arg(long)]
        mediator_listen: Option<SocketAddr>,
        /// The monitor that the mediator tells whom to watch.
        #[arg(long, requires = "mediator_listen")]
        monitor_url: Option<url::Url>,
        /// Whom the mediator tells to watch; more than one by repeating it.
        #[arg(long = "mediator-user", requires = "mediator_listen")]
        mediator_users: Vec<String>,
    },
    /// Look after what webhooks are still to be told, and what they would not take; while the gateway runs, or not.
    Outbox {
        #[command(subcommand)]
        task: Outbox,
    },
    /// What clients may do.
    Policy {
        #[command(subcommand)]
        task: Policy,
    },
    /// Make a secret for a client.
    ClientSecret,
    /// Make a password for a client that works by NTLM too.
    ClientPassword {
        /// Where to write its NT hash; a new file, which the gateway has to be able to read.
        #[arg(long)]
        nt_hash_file: PathBuf,
    },
    /// Hash a password, read from standard input, for a client.
    HashPassword,
}

#[derive(Subcommand)]
enum Outbox {
    /// Show all letters.
    List {
        /// The configuration; of it only where the store is.
        #[arg(long)]
        config: PathBuf,
        /// With all that they say, as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Send letters again, in their old place; those that a later one has overtaken are not sent.
    Retry {
        /// The configuration; of it only where the store is.
        #[arg(long)]
        config: PathBuf,
        /// One letter; without it, all that were given up.
        number: Option<i64>,
        /// All that were given up.
        #[arg(long, conflicts_with = "number")]
        dead: bool,
    },
    /// Throw letters away.
    Drop {
        /// The configuration; of it only where the store is.
        #[arg(long)]
        config: PathBuf,
        /// One letter, given up or not.
        #[arg(required_unless_present = "dead")]
        number: Option<i64>,
        /// All that were given up.
        #[arg(long, conflicts_with = "number")]
        dead: bool,
    },
}

#[derive(Subcommand)]
enum Policy {
    /// Say what would happen, and why: exit code 0 if it is allowed, 1 if it is not, also because no tenant or no
    /// credential is there for it, 2 if that cannot be told, such as without --online where a group decides.
    Explain {
        /// The configuration.
        #[arg(long)]
        config: PathBuf,
        /// Who asks: a client's id or user name.
        #[arg(long)]
        client: String,
        /// About whom.
        #[arg(long)]
        mailbox: String,
        /// What for: an operation, such as GetItem, or a capability, such as calendar_read.
        #[arg(long)]
        operation: String,
        /// When, such as 2027-03-10T18:30:00Z; now without it.
        #[arg(long)]
        at: Option<String>,
        /// First read groups, room lists and addresses from Microsoft Graph.
        #[arg(long)]
        online: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let role = Arguments::parse().role;
    // Where a denial is the answer, trouble is something else.
    let failure = if matches!(role, Role::Policy { .. }) { Ending::Trouble } else { Ending::No };
    match run(role) {
        Ok(code) => code,
        Err(trouble) => {
            eprintln!("calendar-relay: {}", trouble.text().trim_end());
            failure.into()
        }
    }
}

fn run(role: Role) -> Result<ExitCode, Trouble> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = match role {
        Role::Serve { config } => {
            let config = serve::configuration(&config)?;
            log(config.log.format, &config.log.level)?;
            runtime.block_on(serve::run(config))
        }
        Role::Demo {
            details,
            world,
            listen,
            simulator_listen,
            admin_listen,
            monitor,
            monitor_listen,
            mediator_listen,
            hostnames,
            log: level,
        } => {
            log(LogFormat::Human, &level)?;
            let monitor = monitor.then_some(demo::monitor::Settings { listen: monitor_listen, mediator_listen });
            runtime.block_on(demo::run(demo::Settings {
                listen,
                simulator_listen,
                admin_listen,
                monitor,
                hostnames,
                world,
                details,
            }))
        }
        Role::Check {
            config,
            online,
            mailboxes,
            forbidden,
            client,
            secret_file,
            client_certificate,
            public_ca,
            format,
            strict,
        } => {
            // What goes wrong is in the report.
            log(LogFormat::Human, "off")?;
            let caller = client.zip(secret_file).map(|(client, secret_file)| check::Caller {
                client,
                secret_file,
                certificate: client_certificate,
            });
            let online = online.then_some(check::Online { mailboxes, forbidden, caller, public_ca });
            let settings = check::Settings { config, online, format, strict };
            return runtime.block_on(check::run(&settings, &mut io::stdout())).map(ExitCode::from);
        }
        Role::Setup(flags) => {
            log(LogFormat::Human, "error")?;
            let mut input = io::stdin().is_terminal().then(|| io::stdin().lock());
            let input = input.as_mut().map(|input| input as &mut dyn io::BufRead);
            setup::run(&flags, input, &mut io::stderr(), &mut io::stdout())
        }
        Role::Lookup { mailboxes, config, from, to, zone } => {
            log(LogFormat::Human, "error")?;
            runtime.block_on(lookup::run(lookup::Settings { config, mailboxes, from, to, zone }))
        }
        Role::Simulate { listen, world, tls, mediator_listen, monitor_url: monitor, mediator_users } => {
            log(LogFormat::Human, "info")?;
            let settings = simulate::Settings { listen, world, tls, mediator_listen, monitor, mediator_users };
            runtime.block_on(simulate::run(settings))
        }
        Role::Outbox { task } => {
            log(LogFormat::Human, "error")?;
            let out = &mut io::stdout();
            runtime.block_on(async {
                match task {
                    Outbox::List { config, json } => outbox::list(&config, json, out).await,
                    Outbox::Retry { config, number, dead: _ } => outbox::retry(&config, number, out).await,
                    Outbox::Drop { config, number, dead: _ } => outbox::drop(&config, number, out).await,
                }
            })
        }
        Role::Policy { task: Policy::Explain { config, client, mailbox, operation, at, online, json } } => {
            log(LogFormat::Human, "error")?;
            let settings = policy::Settings { config, client, mailbox, operation, at, online, json };
            return runtime.block_on(policy::explain(settings, &mut io::stdout())).map(ExitCode::from);
        }
        Role::ClientSecret => credentials::client_secret(&mut io::stdout()),
        Role::ClientPassword { nt_hash_file } => credentials::client_password(&nt_hash_file, &mut io::stdout()),
        Role::HashPassword => {
            if io::stdin().is_terminal() {
                eprintln!("type the password and press Enter; better: calendar-relay hash-password < FILE");
            }
            credentials::hash_password(&mut io::stdin().lock(), &mut io::stdout())
        }
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// Log lines go to standard error.
fn log(format: LogFormat, level: &str) -> Result<(), Trouble> {
    let filter = EnvFilter::builder().parse(level).map_err(|error| format!("log level {level:?}: {error}"))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    match format {
        LogFormat::Human => lines.with_ansi(io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).init(),
    }
    Ok(())
}
