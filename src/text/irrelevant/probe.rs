//! Probes of monitors, by what they ask and who they say they are.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::text::signals::reading::Reading;

/// What monitors, and people who try whether the service is up, send; in lower case, sorted.
const PROBES: &[&str] = &[
    "are you alive",
    "are you online",
    "are you there",
    "are you up",
    "are you working",
    "health check",
    "health-check",
    "health_check",
    "healthcheck",
    "healthz",
    "heartbeat",
    "is anybody there",
    "is anyone there",
    "is this thing on",
    "is this working",
    "keep alive",
    "keepalive",
    "liveness probe",
    "ping",
    "ping ping",
    "ping pong",
    "readiness probe",
    "smoke test",
    "status check",
    "synthetic check",
    "uptime check",
    "you there",
];

/// Programs that look at a service without wanting anything of it. Libraries such as curl are not
/// among them: the application itself may call with one.
static AGENTS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)[a-z]*(?:bot|crawler|spider)(?-u:\b)|uptime|pingdom",
        r"|statuscake|site24x7|kube-probe|healthcheck|health-check|health check|googlehc|blackbox",
        r"|nagios|zabbix|check_http|datadog ?synthetics|newrelicpinger|synthetic|checkly",
        r"|hetrixtools|freshping|catchpoint|headlesschrome|lighthouse",
    ))
    .ok()
});

pub(super) fn is_health_check(reading: &Reading) -> bool {
    let (Some(first), Some(last)) = (reading.words.first(), reading.words.last()) else {
        return false;
    };
    let inner = reading.lower.get(first.start..last.end).unwrap_or_default();
    PROBES.binary_search(&inner).is_ok()
}

/// Whether an attribute that names the user agent names a bot or monitor, or one marks the traffic
/// as synthetic (`user_agent.synthetic.type` of OpenTelemetry, or `synthetic`).
pub(super) fn is_bot(attributes: &BTreeMap<String, String>) -> bool {
    attributes.iter().any(|(name, value)| {
        let name = name.to_ascii_lowercase().replace(['-', '.', ' '], "_");
        let value = value.trim();
        match name.as_str() {
            "user_agent_synthetic_type" => !value.is_empty(),
            "synthetic" => matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes"),
            name => {
                (name.ends_with("user_agent")
                    || name.ends_with("useragent")
                    || name.ends_with("user_agent_original"))
                    && is_bots(value)
            }
        }
    })
}

fn is_bots(agent: &str) -> bool {
    let Some(agents) = AGENTS.as_ref() else { return false };
    // Cubot makes telephones.
    agents.find_iter(agent).any(|found| !found.as_str().eq_ignore_ascii_case("cubot"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_are_sorted_and_found() {
        assert!(PROBES.windows(2).all(|pair| pair[0] < pair[1]));
        let probe = |text| is_health_check(&Reading::new(text));
        assert!(probe("PING!") && probe("Health check") && probe(" are you there??"));
        assert!(!probe("are you there on Sunday") && !probe("health") && !probe(""));
    }

    #[test]
    fn bots_say_who_they_are() {
        let bot = |name: &str, value: &str| is_bot(&[(name.to_owned(), value.to_owned())].into());
        assert!(AGENTS.is_some());
        for agent in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "AhrefsBot/7.0",
            "UptimeRobot/2.0",
            "kube-probe/1.30",
            "ELB-HealthChecker/2.0",
            "Bytespider",
            "my-crawler",
            "bot",
        ] {
            assert!(bot("User-Agent", agent), "{agent}");
        }
        for agent in [
            "Mozilla/5.0 (Linux; Android 10; CUBOT X30) AppleWebKit/537.36",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
            "python-requests/2.32",
            "WhatsApp/2.24",
            "botany-app/1",
            "",
        ] {
            assert!(!bot("http.user_agent", agent), "{agent}");
        }
        assert!(bot("user_agent.synthetic.type", "test") && bot("synthetic", "True"));
        assert!(!bot("synthetic", "false") && !bot("channel", "bot"));
    }
}
