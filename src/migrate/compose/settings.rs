//! The outcomes for the keys of a service that require no special handling.

/// The outcome for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The key needs no counterpart, for this reason.
    Holds(&'static str),
    /// The key is not migrated: the reason, and the work to do by hand.
    Lost(&'static str, &'static str),
}

use Outcome::{Holds, Lost};

/// The reason why several instances are not migrated, and the work to do by hand.
pub const INSTANCES: (&str, &str) =
    ("all instances would listen on the same port", "set `replicas`, and add PC_REPLICA_NUM to the port");

/// Like [`INSTANCES`], for a program that listens on no port, but that others wait for.
pub const AWAITED_INSTANCES: (&str, &str) = (
    "other processes wait for it, and process-compose cannot wait for several instances",
    "set `replicas`, and remove the process from their `depends_on`",
);

/// Like [`INSTANCES`], for an unsupported number.
pub const UNKNOWN_INSTANCES: (&str, &str) =
    ("it is not a decimal number from 2 to 1000", "set `replicas` to the number");

const ISOLATION: &str = "the process runs as you, without a container around it";
const LIMITS: &str = "process-compose does not limit resources";
const HOST_NETWORK: &str = "the process uses the machine's network";

/// Keys of a service, with the outcome for each.
const KEYS: &[(&str, Outcome)] = &[
    ("container_name", Holds("its name is rewritten wherever it is used as a host")),
    ("hostname", Holds("its name is rewritten wherever it is used as a host")),
    ("networks", Holds("all processes share the machine's network")),
    ("network_mode", Lost(HOST_NETWORK, "nothing, unless the service relies on having its network to itself")),
    ("pull_policy", Holds("there is no image to pull")),
    ("platform", Holds("nixpkgs builds for the machine's own platform")),
    ("attach", Holds("process-compose shows the output of every process")),
    ("init", Holds("process-compose reaps its processes")),
    ("user", Lost(ISOLATION, "nothing, unless the program requires a user")),
    ("group_add", Lost(ISOLATION, "nothing, unless the program requires a group")),
    ("privileged", Lost(ISOLATION, "run whatever needs elevated privileges yourself")),
    ("cap_add", Lost(ISOLATION, "run whatever needs elevated privileges yourself")),
    ("cap_drop", Lost(ISOLATION, "nothing: the process runs with your privileges")),
    ("security_opt", Lost(ISOLATION, "nothing: there is no container to confine")),
    ("read_only", Lost(ISOLATION, "nothing: the process can write where you can")),
    ("userns_mode", Lost(ISOLATION, "nothing: there is no container")),
    ("ipc", Lost(ISOLATION, "nothing: processes share the machine's IPC")),
    ("pid", Lost(ISOLATION, "nothing: processes see each other")),
    ("uts", Lost(ISOLATION, "nothing: processes share the machine's host name")),
    ("cgroup", Lost(ISOLATION, "nothing: there is no container")),
    ("cgroup_parent", Lost(ISOLATION, "nothing: there is no container")),
    ("isolation", Lost(ISOLATION, "nothing: there is no container")),
    ("runtime", Lost(ISOLATION, "nothing: there is no container runtime")),
    ("devices", Lost("the process sees the machine's own devices", "name the device itself in the program's settings")),
    ("device_cgroup_rules", Lost(ISOLATION, "nothing: there is no container")),
    ("gpus", Lost("the process sees the machine's own devices", "choose a package that is built for the GPU")),
    ("mac_address", Lost(HOST_NETWORK, "nothing: the machine has its own address")),
    ("extra_hosts", Lost(HOST_NETWORK, "add the names to the machine's /etc/hosts if the program needs them")),
    ("dns", Lost(HOST_NETWORK, "nothing: the machine's resolver is used")),
    ("dns_opt", Lost(HOST_NETWORK, "nothing: the machine's resolver is used")),
    ("dns_search", Lost(HOST_NETWORK, "nothing: the machine's resolver is used")),
    ("domainname", Lost(HOST_NETWORK, "nothing: the machine has its own name")),
    ("ulimits", Lost(LIMITS, "set limits with `ulimit` in the command if the program needs them")),
    ("shm_size", Lost(LIMITS, "nothing: the process uses the machine's /dev/shm")),
    ("sysctls", Lost("kernel settings apply to the whole machine", "set them with sysctl on the machine")),
    ("tmpfs", Lost("the process has no file system of its own", "configure the program to use a folder under /tmp")),
    ("storage_opt", Lost("there is no image", "nothing: there is no container")),
    ("mem_limit", Lost(LIMITS, "set a limit in the program's own settings")),
    ("mem_reservation", Lost(LIMITS, "set a limit in the program's own settings")),
    ("mem_swappiness", Lost(LIMITS, "nothing: there is no container")),
    ("memswap_limit", Lost(LIMITS, "nothing: there is no container")),
    ("oom_kill_disable", Lost(LIMITS, "nothing: there is no container")),
    ("oom_score_adj", Lost(LIMITS, "nothing: there is no container")),
    ("pids_limit", Lost(LIMITS, "nothing: there is no container")),
    ("blkio_config", Lost(LIMITS, "nothing: there is no container")),
    ("cpus", Lost(LIMITS, "set a limit in the program's own settings")),
    ("cpu_count", Lost(LIMITS, "set a limit in the program's own settings")),
    ("cpu_percent", Lost(LIMITS, "set a limit in the program's own settings")),
    ("cpu_period", Lost(LIMITS, "nothing: there is no container")),
    ("cpu_quota", Lost(LIMITS, "nothing: there is no container")),
    ("cpu_rt_period", Lost(LIMITS, "nothing: there is no container")),
    ("cpu_rt_runtime", Lost(LIMITS, "nothing: there is no container")),
    ("cpu_shares", Lost(LIMITS, "nothing: there is no container")),
    ("cpuset", Lost(LIMITS, "start the program with taskset if it needs certain processors")),
    ("labels", Lost("a process has no labels", "configure the tool that reads them, such as a proxy, by hand")),
    ("label_file", Lost("a process has no labels", "configure the tool that reads them, such as a proxy, by hand")),
    ("annotations", Lost("a process has no annotations", "configure the tool that reads them by hand")),
    ("develop", Lost("process-compose-flake does not watch files", "use the program's own reload or watch option")),
    ("provider", Lost("a Docker plugin starts it", "start what the plugin provides by hand")),
    ("models", Lost("models are run by Docker", "use `services.ollama` with `models`")),
    ("credential_spec", Lost("it is for Windows containers", "nothing on Linux")),
    ("volumes_from", Lost("there are no volumes to share", "configure both programs to use the same folder")),
    ("external_links", Lost("the other containers' names do not resolve", "write the address of the service itself")),
    ("pre_stop", Lost("hooks are not carried over", "write the command as `shutdown.command`")),
    ("post_start", Lost("hooks are not carried over", "write the command as a process that depends on this one")),
    ("use_api_socket", Lost("there is no Docker", "remove the code that talks to Docker")),
];

/// The outcome for a key. Unknown keys are not migrated.
pub fn outcome(key: &str) -> Outcome {
    if key.starts_with("x-") {
        return Holds("Compose ignores extension fields");
    }
    KEYS.iter()
        .find(|(name, _)| *name == key)
        .map_or(Lost("process-compose has no equivalent", "check whether the program needs it"), |(_, outcome)| {
            *outcome
        })
}
