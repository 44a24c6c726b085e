//! The message of a failed program in place of a text.
//!
//! Phrases of our own writing. Those in Amharic, Hausa, Igbo, Swahili, Yoruba and Zulu were not
//! reviewed by native speakers. A person who quotes a message raises the flag as well.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::phrases::Phrases;
use super::reading::Reading;

/// What servers, proxies, runtimes and model interfaces write.
const MACHINE: &[&str] = &[
    "400 bad request",
    "401 unauthorized",
    "403 forbidden",
    "404 not found",
    "405 method not allowed",
    "attributeerror:",
    "bad gateway",
    "cannot read properties of",
    "cannot read property",
    "connection refused",
    "connection reset by peer",
    "connection timed out",
    "context deadline exceeded",
    "context_length_exceeded",
    "core dumped",
    "deadline_exceeded",
    "econnrefused",
    "econnreset",
    "etimedout",
    "exception in thread",
    "failed to fetch",
    "gateway time-out",
    "gateway timeout",
    "indexerror:",
    "insufficient_quota",
    "internal server error",
    "internal_server_error",
    "invalid_api_key",
    "keyerror:",
    "maximum context length",
    "model_not_found",
    "no healthy upstream",
    "nullpointerexception",
    "nullreferenceexception",
    "overloaded_error",
    "rate limit exceeded",
    "rate limit reached for",
    "rate_limit_exceeded",
    "read timed out",
    "referenceerror:",
    "request timed out",
    "request timeout",
    "resource_exhausted",
    "runtimeerror:",
    "segmentation fault",
    "server error:",
    "service temporarily unavailable",
    "service unavailable",
    "stack trace:",
    "stacktrace:",
    "syntaxerror:",
    "too many requests",
    "traceback (most recent call last)",
    "typeerror:",
    "uncaught exception",
    "unhandled exception",
    "unhandled promise rejection",
    "upstream connect error",
    "upstream request timeout",
    "upstream timeout",
    "upstream timed out",
    "valueerror:",
];

/// What programs say to people.
const SPOKEN: &[&str] = &[
    // English
    "an error has occurred",
    "an error occurred",
    "an internal error",
    "an unexpected error",
    "encountered an error",
    "something went wrong",
    "unexpected error occurred",
    "unknown error occurred",
    // French
    "délai d'attente dépassé",
    "erreur inattendue",
    "erreur interne du serveur",
    "quelque chose s'est mal passé",
    "service indisponible",
    "une erreur est survenue",
    "une erreur s'est produite",
    // Portuguese
    "algo correu mal",
    "algo deu errado",
    "erro inesperado",
    "erro interno do servidor",
    "ocorreu um erro",
    "serviço indisponível",
    "tempo limite excedido",
    // Spanish
    "algo ha ido mal",
    "algo salió mal",
    "error inesperado",
    "error interno del servidor",
    "ha ocurrido un error",
    "ocurrió un error",
    "se ha producido un error",
    "se produjo un error",
    "servicio no disponible",
    "tiempo de espera agotado",
    // Arabic
    "الخدمة غير متاحة",
    "الخدمة غير متوفرة",
    "انتهت مهلة",
    "حدث خطأ",
    "خطأ داخلي",
    "خطأ غير متوقع",
    "خطأ في الخادم",
    // Swahili
    "hitilafu imetokea",
    "hitilafu ya seva",
    "huduma haipatikani",
    "kosa limetokea",
    // Afrikaans
    "'n fout het voorgekom",
    "diens is nie beskikbaar",
    "iets het verkeerd gegaan",
    "interne bedienerfout",
    "onverwagte fout",
    // Zulu
    "isevisi ayitholakali",
    "iphutha leseva",
    "kube nephutha",
    "kukhona okungahambanga kahle",
    "kuvele iphutha",
    // Hausa
    "an sami kuskure",
    "an samu kuskure",
    "kuskure ya faru",
    // Yoruba
    "asise kan sele",
    "asise kan waye",
    "àṣìṣe kan ṣẹlẹ̀",
    "àṣìṣe kan wáyé",
    // Igbo
    "mperi mere",
    "njehie mere",
    // Amharic
    "ስህተት ተከስቷል",
    "ስህተት ተፈጥሯል",
    "የሆነ ችግር ተፈጥሯል",
    "የአገልጋይ ስህተት",
];

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| Phrases::new(&[MACHINE, SPOKEN]));

/// A status code of HTTP that is called one, a line of a stack, and an error as the first word.
static SHAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?-u:\b)(?:http(?:/[0-9.]+)?|error(?: code)?|status(?: code)?|erreur|erro)",
        r"(?: |: ?|=)[45][0-9]{2}(?-u:\b)",
        r"|^\s*\[?(?:fatal |internal |server |api |unknown )?(?:error|exception)\]?:",
        r#"|(?m:^)\s*at [a-z0-9_.$<>]+ ?\([^)\n]*:[0-9]+\)|(?-u:\b)file "[^"\n]+", line [0-9]+"#,
    ))
    .ok()
});

/// A key of a JSON or XML body that reports an error.
static BODY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r#""(?:error|errors|exception|fault|error_?code|error_?message|stack|traceback)"\s*:"#,
        r"|<(?:error|fault|exception)[ >]",
    ))
    .ok()
});

pub(super) fn find(reading: &Reading) -> Option<Range<usize>> {
    let lower = reading.lower.as_str();
    let body = || {
        let place = lower.get(reading.trimmed()).filter(|body| body.starts_with(['{', '[', '<']));
        place.and_then(|body| BODY.as_ref()?.find(body)).map(|_| reading.trimmed())
    };
    PHRASES
        .find(lower)
        .or_else(|| SHAPES.as_ref()?.find(lower).map(|found| found.range()))
        .or_else(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> bool {
        find(&Reading::new(text)).is_some()
    }

    #[test]
    fn patterns_are_valid() {
        assert!(SHAPES.is_some() && BODY.is_some());
    }

    #[test]
    fn messages_of_programs_are_seen() {
        for text in [
            "Internal Server Error",
            "<html><h1>502 Bad Gateway</h1></html>",
            "HTTP 500",
            "Request failed with status code 503",
            "Error: no answer",
            "[ERROR]: x",
            "{\"error\":{\"message\":\"quota\"}}",
            " {\"status\": 500, \"errors\": []}",
            "Traceback (most recent call last):\n  File \"a.py\", line 3, in f",
            "x\n    at com.example.Main.run(Main.java:14)",
            "Oops! Something went wrong. Please try again later.",
            "Une erreur s’est produite",
            "عذرًا، حدث خطأ ما",
            "Samahani, hitilafu imetokea.",
            "ስህተት ተከስቷል",
        ] {
            assert!(fails(text), "{text}");
        }
    }

    #[test]
    fn talk_of_errors_is_none() {
        for text in [
            "I made an error in my last payment",
            "My card was declined, is there an error?",
            "{\"name\": \"x\"}",
            "We have 500 rooms; the error 40 years ago",
            "Please try again later",
            "The service is available at 404 Main Street.",
        ] {
            assert!(!fails(text), "{text}");
        }
    }
}
