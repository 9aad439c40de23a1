//! Servers under test: processes of their own on a core of their own.
//!
//! Owns starting, pinning, ending and looking at them. Must not know what they are asked.

use std::error::Error;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use calendar_relay::commands::certificate::{self, Made};
use tempfile::TempDir;

use crate::request::{CLIENT, DOMAIN, SECRET_SHA256};

/// What all servers share: a folder, a certificate, and how to pin them.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) certificates: Made,
    pinned: bool,
    gateway: PathBuf,
}

/// How a gateway is configured, apart from what is the same for all.
#[derive(Clone, Copy)]
pub(crate) struct Gateway<'a> {
    /// A tracing filter.
    pub(crate) log: &'a str,
    /// How long answers are good, as in the configuration.
    pub(crate) lifetime: &'a str,
    /// Whether texts may be read and shown.
    pub(crate) texts: bool,
    /// Where Graph is.
    pub(crate) graph: SocketAddr,
}

/// A running server; it ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Site {
    /// Pins the load generator, with every thread it will start, to the last core.
    pub(crate) fn new(gateway: PathBuf) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let certificates = certificate::make(folder.path(), "bench", &[])?;
        let own = std::process::id().to_string();
        let last = std::thread::available_parallelism()?.get() - 1;
        let pin =
            Command::new("taskset").args(["-a", "-c", "-p", &last.to_string(), &own]).stdout(Stdio::null()).status();
        let pinned = last > 0 && pin.is_ok_and(|status| status.success());
        Ok(Self { folder, certificates, pinned, gateway })
    }

    /// Whether servers have a core of their own.
    pub(crate) fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// The gateway's size in bytes.
    pub(crate) fn binary(&self) -> io::Result<u64> {
        Ok(std::fs::metadata(&self.gateway)?.len())
    }

    /// Starts a gateway. Its log goes to a file.
    pub(crate) fn gateway(&self, settings: Gateway<'_>) -> Result<Server, Box<dyn Error>> {
        let server = self.begin_gateway(settings)?;
        server.wait()?;
        Ok(server)
    }

    /// The same, without waiting until it listens.
    pub(crate) fn begin_gateway(&self, settings: Gateway<'_>) -> Result<Server, Box<dyn Error>> {
        let address = free_address()?;
        let path = self.folder.path().join(format!("{}.toml", address.port()));
        std::fs::write(&path, self.configuration(address, settings)?)?;
        let log = File::create(path.with_extension("log"))?;
        let mut command = self.command(&self.gateway);
        command.args(["serve", "--config"]).arg(path).stderr(log);
        command.env("BENCH_KEY", "0123456789abcdef0123456789abcdef").env("BENCH_SECRET", "secret");
        Ok(Server { child: command.spawn()?, address })
    }

    /// Starts this program as the bare handler that answers `bytes` bytes.
    pub(crate) fn bare(&self, bytes: usize) -> Result<Server, Box<dyn Error>> {
        let address = free_address()?;
        let mut command = self.command(&std::env::current_exe()?);
        command.args(["--bare", &address.to_string(), "--bytes", &bytes.to_string()]);
        command.arg("--certificate").arg(&self.certificates.files.certificate);
        command.arg("--key").arg(&self.certificates.files.private_key);
        let server = Server { child: command.spawn()?, address };
        server.wait()?;
        Ok(server)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = if self.pinned {
            let mut taskset = Command::new("taskset");
            taskset.args(["-c", "0"]).arg(program);
            taskset
        } else {
            Command::new(program)
        };
        command.stdout(Stdio::null());
        command
    }

    fn configuration(&self, address: SocketAddr, settings: Gateway<'_>) -> io::Result<String> {
        let Gateway { log, lifetime, texts, graph } = settings;
        let (ceiling, more) = if texts { ("full", ", \"calendar_read\"") } else { ("time", "") };
        let files = &self.certificates.files;
        Ok(format!(
            r#"[server]
listen = "{address}"
public_url = "https://{DOMAIN}"
certificate = {:?}
private_key = {:?}
[admin]
listen = "{}"
[tokens]
keys = [{{ id = "bench", secret = {{ env = "BENCH_KEY" }} }}]
[cache]
lifetime = "{lifetime}"
megabytes = 2000
[log]
level = "{log}"
[[tenants]]
name = "bench"
id = "00000000-0000-0000-0000-000000000001"
login_url = "http://{graph}/"
graph_url = "http://{graph}/"
domains = ["{DOMAIN}"]
[[tenants.credentials]]
client_id = "00000000-0000-0000-0000-000000000002"
secret = {{ env = "BENCH_SECRET" }}
capabilities = ["free_busy"{more}]
[[clients]]
id = "{CLIENT}"
secrets_sha256 = ["{SECRET_SHA256}"]
capabilities = ["free_busy"]
mailboxes = ["*@{DOMAIN}"]
ceiling = "{ceiling}"
requests_per_second = 1_000_000
burst = 1_000_000
concurrency = 10_000
"#,
            files.certificate,
            files.private_key,
            free_address()?,
        ))
    }
}

impl Server {
    /// User and system time that the process has taken.
    pub(crate) fn cpu(&self) -> Result<Duration, Box<dyn Error>> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name in the second field may hold spaces, but no later field holds a parenthesis.
        let (_, fields) = stat.rsplit_once(')').ok_or("no stat")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        Ok(Duration::from_millis(ticks * MILLISECONDS_PER_TICK))
    }

    /// Resident memory in megabytes (10⁶ bytes).
    pub(crate) fn resident(&self) -> Result<f64, Box<dyn Error>> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kibibytes * 1024.0 / 1e6)
    }

    #[expect(clippy::disallowed_methods, reason = "nothing else runs while a server starts")]
    fn wait(&self) -> Result<(), Box<dyn Error>> {
        for _ in 0..1000 {
            if TcpStream::connect(self.address).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err("a server did not begin to listen".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended by itself need not be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

/// Linux counts a process's time in hundredths of a second for all programs, whatever its own tick.
const MILLISECONDS_PER_TICK: u64 = 10;
