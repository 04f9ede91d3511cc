//! Every bound of the agent, in one place, each with its unit and its reason.

use std::time::Duration;

/// Bytes of a name in the catalogue. The longest of ours is about 120; a TFTP request has room for 500.
pub const NAME_BYTES: usize = 255;
/// Files below the root that the catalogue takes up; the scan stops there and says so.
pub const CATALOGUE_FILES: usize = 20_000;
/// Levels of folders below the root that the scan descends.
pub const CATALOGUE_DEPTH: usize = 12;
/// Warnings of one scan of the root; a tree that is wrong as a whole would fill the log.
pub const SCAN_WARNINGS: usize = 50;
/// Shortest time between two scans of the root that requests for unknown names cause.
pub const RESCAN_INTERVAL: Duration = Duration::from_secs(1);

/// Bytes of one configuration file.
pub const CONFIG_BYTES: u64 = 4 << 20;
/// Fragments in `conf.d`.
pub const CONFIG_FRAGMENTS: usize = 1_000;
/// Bytes of the name of a fragment that came by the API.
pub const FRAGMENT_NAME_BYTES: usize = 63;
/// How long whoever changes a fragment waits until the whole configuration is in force.
pub const FRAGMENT_PATIENCE: Duration = Duration::from_secs(50);
/// Fetches that the API remembers, the last.
pub const FETCHES: usize = 32;
/// Bytes of the sentence of a download that failed, as its event keeps it.
pub const FETCH_ERROR_BYTES: usize = 1_000;
/// Events of fetches that findings look at, the last. Loaders and ten images have about 60 files.
pub const FETCH_EVENTS: usize = 300;
/// How often the command line looks how far a fetch in the agent is.
pub const FETCH_LOOK: Duration = Duration::from_millis(200);
/// Names that one fetch by the API may list.
pub const FETCH_NAMES: usize = 100;
/// Mistakes of a configuration that are listed; nobody reads on, and a broken 4 MB file has many.
pub const CONFIG_MISTAKES: usize = 1_000;
/// Patterns of one condition of a policy: lists of serial numbers or MACs are long, and each is held
/// against every machine that asks.
pub const PATTERNS: usize = 10_000;
/// Policies, and patterns of a condition, up to which it is looked whether one hides or leaves out
/// another: that takes time with the square of both.
pub const POLICIES_COMPARED: usize = 500;
/// See [`POLICIES_COMPARED`].
pub const PATTERNS_COMPARED: usize = 16;
/// Bytes of a secret read from a file.
pub const SECRET_BYTES: u64 = 16 << 10;

/// Answer files of one profile: cloud-init asks for four, Debian's installer for one.
pub const ANSWERS: usize = 32;
/// Bytes of one answer file as it is written. A Talos configuration with all its comments has 40 KB,
/// an Ignition file with files of its own some hundred.
pub const ANSWER_BYTES: u64 = 512 << 10;
/// What filling in one template may cost: about an instruction or 64 bytes each, so 16 MB and some
/// milliseconds.
pub const TEMPLATE_FUEL: u64 = 250_000;
/// Variables of one profile or machine.
pub const VARIABLES: usize = 100;
/// Bytes of one variable.
pub const VARIABLE_BYTES: usize = 16 << 10;

/// Bytes of one kernel argument.
pub const ARGUMENT_BYTES: usize = 2_048;
/// Bytes of a whole kernel command line: x86 Linux takes 2048 with its NUL, arm64 2048; Talos
/// documents 4096 for its inline configuration, so no more than this is ever useful.
pub const COMMAND_LINE_BYTES: usize = 4_096;

/// Bytes of one fact that a machine says of itself; the rest is cut.
pub const FACT_BYTES: usize = 128;
/// Bytes of a `/script` query that are read; iPXE's longest, with all facts encoded, has about 2,000.
pub const QUERY_BYTES: usize = 8_192;
/// A machine that is back on the network so soon after it was sent to its disk did not boot from it.
pub const LOCAL_BOOT_BACK: Duration = Duration::from_secs(120);
/// After this silence what a firmware asks is another boot: it waits up to a minute for a server.
pub const BOOT_SILENCE: Duration = Duration::from_secs(180);
/// A step of a boot that did not come within this time does not come: firmware and iPXE repeat what
/// they ask within it.
pub const STEP_PATIENCE: Duration = Duration::from_secs(30);
/// A system that did not ask for an address within this time does not: slow servers need minutes for
/// their controllers.
pub const SYSTEM_PATIENCE: Duration = Duration::from_secs(300);
/// Transfers of a loader that break off in a row before another loader is tried.
pub const LOADER_STALLS: u32 = 2;
/// Bytes of one report of an installation.
pub const REPORT_BYTES: usize = 1_024;
/// A firmware repeats a question that is refused within this time; later it comes from another boot.
pub const LOCAL_BOOT_REPEAT: Duration = Duration::from_secs(10);
/// A one-time boot loads its files, and asks again if that fails, within this time.
pub const ONCE_LASTS: Duration = Duration::from_secs(600);
/// Log lines of one installation that are taken in all, and in one second.
pub const REPORT_LINES: (u32, u32) = (2_000, 50);
/// Boots under way that are known at a time, each with about a kilobyte: more machines than a person
/// looks at. The one that was silent longest makes room.
pub const LIVE_BOOTS: usize = 1_000;
/// Files that were sent to a machine that is booting, the last ones that are shown.
pub const LIVE_SENT: usize = 3;
/// A boot that ended is shown for this long, so that a person sees how.
pub const LIVE_LINGER: Duration = Duration::from_secs(60);
/// A boot that was silent for so long is not shown any more: all that is found wrong with it was found
/// by then ([`SYSTEM_PATIENCE`]).
pub const LIVE_SILENCE: Duration = Duration::from_secs(360);
/// The same for an installation, whose installer may say nothing for long.
pub const LIVE_INSTALLING: Duration = Duration::from_secs(2 * 3600);
/// Events from before the agent's start that the boots under way are taken up from.
pub const LIVE_BEFORE: usize = 2_000;
/// Events of a machine that its finding in the live view is drawn from, the last: about ten boots.
pub const LIVE_EVENTS: usize = 200;
/// Machines whose findings are drawn anew for one look at what is under way; the others keep theirs until
/// the next.
pub const LIVE_FINDINGS: usize = 20;
/// After this time a finding is drawn anew though nothing happened: some come of silence.
pub const LIVE_FINDING_AGE: Duration = Duration::from_secs(3);
/// The shortest time that a rate is measured over.
pub const LIVE_RATE: Duration = Duration::from_millis(400);
/// How often `hearth top` asks what is under way.
pub const TOP_LOOK: Duration = Duration::from_millis(500);
/// How long it waits for a key before it looks for news.
pub const TOP_KEYS: Duration = Duration::from_millis(100);
/// News that wait for being drawn.
pub const TOP_NEWS: usize = 16;
/// Between two looks for installations that take too long.
pub const CLOCK: Duration = Duration::from_secs(60);
/// Between two looks whether the system's clock was set, or this host has other addresses.
pub const LOOK: Duration = Duration::from_secs(2);
/// A clock that is less off was not set, or not so that it matters.
pub const CLOCK_JUMP: Duration = Duration::from_secs(10);
/// Nothing is counted from a moment longer ago but how long an installation takes.
pub const CLOCK_NEAR: Duration = Duration::from_secs(86_400);
/// Jumps of the clock that are remembered.
pub const CLOCK_JUMPS: usize = 64;
/// What passed unseen before a start counts for no more than this: nobody could report meanwhile, and the
/// clock may be wrong.
pub const UNSEEN: Duration = Duration::from_secs(600);
/// Events are taken for too old by a clock that is no further ahead of the last one at the start.
pub const PRUNE_AHEAD: Duration = Duration::from_secs(86_400);
/// Events of one machine that its timeline is made of, the last: about a hundred boots.
pub const EVENTS_OF_MACHINE: usize = 2_000;
/// Lines of the audit log that are kept.
pub const AUDITS: usize = 100_000;
/// Events that are read at a time.
pub const EVENTS_READ: usize = 10_000;
/// Events that are removed at a time, so that no other change waits long.
pub const PRUNE_STEP: usize = 500;
/// Between two looks for what is to be removed.
pub const PRUNE_EVERY: Duration = Duration::from_secs(60);
/// Changes that are committed together.
pub const STORE_BATCH: usize = 2_000;
/// Bytes of changes that wait for the disk: 15,000 events, some minutes of a boot storm. Over it events
/// are dropped, and it is said. Machines are not: of each only the last state waits.
pub const STORE_BYTES: usize = 8 << 20;
/// Bytes that a change takes beside its texts while it waits.
pub const STORE_OVERHEAD: usize = 256;
/// Who waits for a change is told after this time that it is not on the disk; it is tried further.
pub const STORE_PATIENCE: Duration = Duration::from_secs(3);
/// First and longest pause after a change could not be written.
pub const STORE_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// Machines that a list looks at before others get their turn, and how long it leaves that to them: a
/// thousand take less than a decision may.
pub const LOOK_AT_ONCE: usize = 1_000;
/// See there.
pub const LOOK_PAUSE: Duration = Duration::from_micros(50);
/// Records of machines that a thread reads at a time at the start, and how often so many wait for it:
/// enough to keep it busy, and little memory.
pub const RECORDS_AT_ONCE: usize = 64;
/// See there.
pub const RECORDS_AHEAD: usize = 16;
/// Bytes that so many records take; below what glibc maps apart (128 KiB).
pub const RECORDS_ROOM: usize = 120 << 10;
/// Packets that wake a card: one may be lost, and nobody says so.
pub const WAKE_PACKETS: usize = 3;
/// KiB of the database that each connection keeps in memory.
pub const STORE_CACHE_KIB: i64 = 512;
/// How long SQLite waits for another process that reads or copies the database.
pub const STORE_BUSY: Duration = Duration::from_secs(2);
/// Events that a listener may be behind before it loses the oldest.
pub const EVENT_BACKLOG: usize = 1_024;
/// Machines that are taken up; whoever makes up MACs and UUIDs fills neither memory nor disk.
pub const MACHINES: usize = 200_000;
/// Declared machines whose arguments are written into `default.ipxe`: each is a line that every
/// machine reads over TFTP.
pub const FALLBACK_MACHINES: usize = 200;

/// Tags that a person may give one machine; of two that are merged no more are kept.
pub const TAGS: usize = 32;

/// MACs of one machine that are taken up; Hearth's scripts send four.
pub const MACHINE_MACS: usize = 8;
/// A machine that was heard of again and of which nothing else changed is written to the disk at most
/// this often: of a boot storm nothing is lost but when exactly each was there last.
pub const LAST_SEEN_GRAIN: Duration = Duration::from_secs(300);
/// A machine that was heard of within this time is there now, so that another one with its UUID, other
/// cards and another address is another machine. Machines that are switched on together ask within
/// it.
pub const ALIVE: Duration = Duration::from_secs(120);
/// How long it is believed who has which address, once it was read.
pub const NEIGHBOURS_LAST: Duration = Duration::from_secs(1);
/// Bytes of a reason that is kept with a machine.
pub const REASON_BYTES: usize = 512;
/// Bytes of the notes of a machine; those of two that are merged are cut there.
pub const NOTES_BYTES: usize = 4_096;

/// Bytes of a TFTP datagram that are read; a longer one is no request. RFC 2347 bounds them to 512.
pub const TFTP_REQUEST_BYTES: usize = 1_024;
/// TFTP requests that a worker takes up before its transfers get their turn again.
pub const TFTP_REQUESTS_AT_ONCE: usize = 16;
/// Bytes of TFTP requests that wait in the kernel, so that clients that are switched on all at once
/// need not repeat theirs; a request costs about 800 there.
pub const TFTP_QUEUE_BYTES: usize = 1 << 20;
/// Largest TFTP window in blocks (RFC 7440 allows 65535, which is one burst of 90 MB).
pub const TFTP_WINDOW: u16 = 64;
/// Bytes of TFTP data under way to one client: a window of larger blocks is made shorter.
pub const TFTP_FLIGHT_BYTES: u32 = 64 << 10;
/// Bytes of a file that a TFTP transfer reads at a time.
pub const TFTP_READ_AHEAD: usize = 16 << 10;
/// Longest wait for an answer, unless the client asked for a longer one.
pub const TFTP_WAIT: Duration = Duration::from_secs(8);
/// A client that acknowledged nothing for this long is gone, however long it asked to be waited for
/// (RFC 2349 allows 255 seconds for each send).
pub const TFTP_SILENCE: Duration = Duration::from_secs(300);
/// What the system could not send because its queue was full is sent again after this time.
pub const TFTP_QUEUE_WAIT: Duration = Duration::from_millis(20);
/// A worker with a single transfer blocks on its socket alone for so long, and answers so many
/// acknowledgements, before it looks at the others: it saves a system call for each block.
pub const TFTP_ALONE: (Duration, u32) = (Duration::from_millis(4), 16);
/// Threads of the TFTP server.
pub const TFTP_THREADS: usize = 4;
/// Running transfers may end within this time when the server stops.
pub const TFTP_STOP: Duration = Duration::from_secs(10);
/// Sends of one TFTP packet before a client counts as gone.
pub const TFTP_SENDS: u8 = 6;

/// Events that `hearth status` shows.
pub const STATUS_EVENTS: usize = 50;
/// Bytes of an answer of the control socket that `hearth status` reads. A status with a thousand
/// images has about 200 KB.
pub const STATUS_BYTES: u64 = 16 << 20;
/// Bytes of what the audit log tells of the change of a fragment.
pub const AUDIT_DIFF_BYTES: usize = 4_000;
/// Names that completions offer: more than a screen of them helps nobody.
pub const COMPLETE_NAMES: usize = 200;
/// How long completions wait for the agent: whoever pressed the key waits too.
pub const COMPLETE_PATIENCE: Duration = Duration::from_millis(700);
/// Bytes of one event as the command line follows it. The largest has some kilobytes.
pub const EVENT_LINE_BYTES: u64 = 1 << 20;
/// Shortest time between two looks of `--watch`: what happens at once is shown at once.
pub const WATCH_PAUSE: Duration = Duration::from_millis(250);
/// How old a view of `--watch` may become in which only time changes something.
pub const WATCH_EVENTS: Duration = Duration::from_secs(10);
/// The same of one that has counters, of which no event tells.
pub const WATCH_COUNTERS: Duration = Duration::from_secs(1);
/// How often `--watch` looks whether the agent is there again.
pub const WATCH_RETRY: Duration = Duration::from_millis(500);
/// How long the command line waits for an answer of the agent; a backup of a large database takes some time.
pub const CLIENT_PATIENCE: Duration = Duration::from_secs(60);
/// Log lines that wait for being written. More are dropped and counted: a hung syslogd must not
/// stop a transfer.
pub const LOG_LINES: usize = 1_000;
/// At its end the agent waits this long for its last log lines to be written.
pub const LOG_FLUSH: Duration = Duration::from_secs(2);
/// A status waits this long for the lines before it, so that who reads both finds the same in both.
pub const STATUS_LOG_WAIT: Duration = Duration::from_millis(200);

/// Bytes of an HTTP request's head.
pub const HTTP_HEAD_BYTES: usize = 16 << 10;
/// Threads that decide, and wait for the disk to have it; they end after ten idle seconds.
pub const HTTP_DECIDERS: usize = 16;
/// Bytes of a request's body at the control socket.
pub const CONTROL_BODY_BYTES: usize = 64 << 10;
/// Bytes of the name of a person for whom a user of this host asks.
pub const BEHALF_BYTES: usize = 64;
/// Machines or events of one answer at the control socket, unless fewer are asked for.
pub const PAGE: usize = 1_000;
/// Header lines of an HTTP request.
pub const HTTP_HEADERS: usize = 64;
/// Bytes of an HTTP request's body on the boot side.
pub const HTTP_BODY_BYTES: usize = 4 << 10;
/// Bytes of a file that one system call is asked to send. Large enough that the calls do not count,
/// small enough that one fast client does not hold a thread for more than a few milliseconds.
pub const HTTP_PIECE_BYTES: usize = 2 << 20;
/// Threads that serve HTTP. The kernel does the work; more than this only costs memory.
pub const HTTP_THREADS: usize = 4;
/// After its last byte the server reads on for this long, so that a client that is still sending
/// gets the answer and not a reset (RFC 9112 section 9.6).
pub const HTTP_LINGER: Duration = Duration::from_secs(2);
/// A client that was sent everything and falls silent for this time, with fewer bytes than this
/// unacknowledged, has probably started what it got: the largest window that iPXE offers
/// (`TCP_MAX_WINDOW_SIZE` there).
pub const HTTP_UNCONFIRMED: (u64, Duration) = (256 * 1024, Duration::from_secs(5));
/// Clients at a time that are being told 503; more of them wait in the kernel's queue.
pub const HTTP_TURNED_AWAY: u32 = 64;
/// A client that is told 503 is gone after this time, whatever it does.
pub const HTTP_TURN_AWAY_TIME: Duration = Duration::from_secs(3);
/// The accept loop looks again after this time when the system had no descriptor or buffer left.
pub const HTTP_ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// First and longest wait before the server looks again whether a client has taken its last bytes.
pub const HTTP_SETTLE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(1));
/// Running downloads may end within this time when the server stops.
pub const HTTP_STOP: Duration = Duration::from_secs(10);
/// Descriptors that HTTP leaves to the rest of the process.
pub const DESCRIPTORS_RESERVED: usize = 64;
/// Kinds of events that one webhook names.
pub const WEBHOOK_KINDS: usize = 32;
/// Time for one try of a webhook, from the name of its host to the end of its answer.
pub const WEBHOOK_TIME: Duration = Duration::from_secs(10);
/// First and longest wait before a webhook is tried again; doubles each time.
pub const WEBHOOK_PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// Tries of one event at a webhook, with the waits between them a quarter of an hour; then it is left out.
pub const WEBHOOK_TRIES: u32 = 20;
/// Tokens of the control side: each is looked at for every request.
pub const API_TOKENS: usize = 100;
/// Connections at a time on the control socket.
pub const CONTROL_CONNECTIONS: usize = 32;
/// Connections at a time to the API over TLS, those that follow events among them.
pub const API_CONNECTIONS: usize = 64;
/// Handshakes of TLS at a time for each address of the API; the oldest makes room for the next.
pub const API_HANDSHAKES: usize = 64;
/// Who follow events at a time, each with what it has not read yet.
pub const API_FOLLOWERS: usize = 16;
/// Pieces of events that wait for one who follows; a slower one holds its own up, and then reads from the
/// database what it missed.
pub const API_PIECES: usize = 64;
/// Who follows hears at least a comment after this time, so that proxies and firewalls keep the
/// connection, and a dead one is noticed.
pub const API_ALIVE: Duration = Duration::from_secs(15);
/// A request on the control socket must arrive within this time.
pub const CONTROL_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes of a frame with a DHCP message that are read; those of a whole Ethernet frame with two VLAN
/// tags. A longer one is cut, and then counts as none.
pub const DHCP_FRAME_BYTES: usize = 1_522;
/// Bytes of frames that wait in the kernel to be read.
pub const DHCP_QUEUE_BYTES: usize = 256 << 10;
/// Architectures of one client that are taken up; firmware names one.
pub const DHCP_ARCHITECTURES: usize = 8;
/// Frames with DHCP messages that are looked at within [`DHCP_PERIOD`]: 10,000 a second, a storm of
/// some thousand machines. What more there are the kernel drops.
pub const DHCP_FRAMES: u32 = 1_000;
/// The time that [`DHCP_FRAMES`] counts for.
pub const DHCP_PERIOD: Duration = Duration::from_millis(100);
/// DHCP events of one machine: at once, and then each second. A boot has about 15, with two servers
/// that answer, all within some ten seconds.
pub const DHCP_EVENTS_OF_ONE: (u32, u32) = (48, 1);
/// DHCP events of all known machines together: at once, and then each second.
pub const DHCP_EVENTS_OF_KNOWN: (u32, u32) = (10_000, 500);
/// DHCP events of all other machines together. Of their own number, so that whoever makes up MACs
/// hides no known machine.
pub const DHCP_EVENTS_OF_OTHERS: (u32, u32) = (2_000, 100);
/// Machines whose DHCP is followed at a time; the one that was silent longest makes room.
pub const DHCP_CLIENTS: usize = 4_096;
/// A machine that booted from the network no longer ago than this is listened to whatever it says: a
/// kernel of 200 MB has come and started by then, and asks for an address of its own.
pub const DHCP_BOOT_TIME: Duration = Duration::from_secs(600);
/// The same message on another interface within this time is a copy of it: a bridge and its member.
pub const DHCP_COPY_TIME: Duration = Duration::from_millis(500);
/// Messages that a copy is looked for among.
pub const DHCP_COPIES: usize = 256;
/// Interfaces that are listened on.
pub const DHCP_INTERFACES: usize = 64;
/// An interface that went away is looked for again after this time.
pub const DHCP_AGAIN: Duration = Duration::from_secs(5);
/// Shortest time between two lines that say that DHCP messages were left out.
pub const DHCP_TELL: Duration = Duration::from_secs(60);

/// Bytes read at once from a file or a connection while fetching and verifying.
pub const FETCH_BUFFER_BYTES: usize = 64 << 10;
/// Redirects followed for one file. A factory's way to its storage has two.
pub const FETCH_REDIRECTS: u32 = 5;
/// Bytes after which a running fetch writes down how far it is true, to go on there after a kill.
pub const FETCH_CHECKPOINT_BYTES: u64 = 1 << 20;
/// Bytes of a text that is fetched whole: lists of digests, versions, extensions. Debian's
/// SHA256SUMS has 60 KiB, the factory's list of extensions about as much.
pub const FETCH_TEXT_BYTES: u64 = 4 << 20;
/// First wait before a fetch is tried again; doubles each time.
pub const FETCH_BACKOFF: Duration = Duration::from_secs(1);
/// Longest wait before a fetch is tried again.
pub const FETCH_BACKOFF_LONGEST: Duration = Duration::from_secs(60);
/// Time for one file's bytes in all: a server that drips forever is left at last. 200 MB at 10 kB/s
/// fit.
pub const FETCH_FILE_TIME: Duration = Duration::from_secs(6 * 3600);
/// Members of an archive that are looked at.
pub const ARCHIVE_MEMBERS: usize = 10_000;
/// Bytes read of an archive in all, unpacked: what comes after is not looked at.
pub const ARCHIVE_BYTES: u64 = 4 << 30;
