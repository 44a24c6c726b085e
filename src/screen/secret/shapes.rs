//! Tokens with a known beginning: what providers document of their keys.
//!
//! Prefixes, alphabets and lengths are the documented or commonly seen ones, collected by hand;
//! providers change them, so lengths are generous where a long prefix already says enough.
//! M-Pesa (Daraja), Ozow, PayFast, MTN MoMo, Hubtel and others issue keys without any mark: those
//! are found by their names only (`consumer_key = …`).

use super::{Secret, entropy};

/// A token's beginning and what may follow.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) prefix: &'static str,
    pub(super) name: &'static str,
    alphabet: Alphabet,
    pub(super) min: usize,
    max: usize,
    /// Least entropy of what follows, in bits a character.
    entropy: f64,
}

#[derive(Debug, Clone, Copy)]
enum Alphabet {
    Hex,
    /// Capitals and digits.
    Upper,
    Alnum,
    /// Letters, digits, `_` and `-`.
    Url,
    /// As [`Alphabet::Url`], and dots.
    Dotted,
    /// As [`Alphabet::Dotted`], and `/`, `+`, `=`.
    Base64,
}
use Alphabet::{Alnum, Base64, Dotted, Hex, Upper, Url};

const fn shape(
    name: &'static str,
    prefix: &'static str,
    alphabet: Alphabet,
    min: usize,
    max: usize,
) -> Shape {
    Shape { prefix, name, alphabet, min, max, entropy: 2.5 }
}

/// A short prefix that words may begin with: the rest must look random.
const fn weak(
    name: &'static str,
    prefix: &'static str,
    alphabet: Alphabet,
    min: usize,
    max: usize,
) -> Shape {
    Shape { prefix, name, alphabet, min, max, entropy: 3.3 }
}

/// The shapes; of two with one prefix the first that fits counts.
pub(super) const SHAPES: &[Shape] = &[
    // African payment, messaging and identity providers.
    shape("PAYSTACK", "sk_live_", Hex, 40, 40),
    shape("PAYSTACK", "sk_test_", Hex, 40, 40),
    shape("FLUTTERWAVE", "FLWSECK-", Url, 12, 64),
    shape("FLUTTERWAVE", "FLWSECK_TEST", Url, 12, 64),
    shape("FLUTTERWAVE", "FLWPUBK", Url, 12, 64),
    shape("AFRICAS_TALKING", "atsk_", Hex, 40, 80),
    shape("INTERSWITCH", "IKIA", Upper, 36, 44),
    shape("MONNIFY", "MK_PROD_", Upper, 8, 20),
    shape("MONNIFY", "MK_TEST_", Upper, 8, 20),
    shape("MONO", "live_sk_", Url, 16, 64),
    shape("MONO", "test_sk_", Url, 16, 64),
    shape("DOJAH", "prod_sk_", Url, 16, 64),
    shape("SQUAD", "sandbox_sk_", Url, 16, 64),
    shape("PAYAZA", "PZ78-SK", Url, 16, 64),
    shape("PAYDUNYA", "live_private_", Alnum, 16, 64),
    shape("PAYDUNYA", "test_private_", Alnum, 16, 64),
    shape("WAVE", "wave_sn_", Url, 24, 96),
    shape("WAVE", "wave_ci_", Url, 24, 96),
    shape("CHAPA", "CHASECK-", Alnum, 24, 48),
    shape("CHAPA", "CHASECK_TEST-", Alnum, 24, 48),
    // Payments. Yoco, Kora, FedaPay and Clerk share Stripe's prefixes.
    shape("STRIPE", "sk_live_", Url, 16, 255),
    shape("STRIPE", "sk_test_", Url, 16, 255),
    shape("STRIPE", "rk_live_", Alnum, 16, 255),
    shape("STRIPE", "rk_test_", Alnum, 16, 255),
    shape("WEBHOOK_SECRET", "whsec_", Base64, 24, 96),
    shape("SQUARE", "sq0atp-", Url, 20, 30),
    shape("SQUARE", "sq0csp-", Url, 40, 50),
    shape("RAZORPAY", "rzp_live_", Alnum, 12, 24),
    shape("RAZORPAY", "rzp_test_", Alnum, 12, 24),
    shape("PADDLE", "pdl_live_apikey_", Url, 24, 96),
    shape("PADDLE", "pdl_sdbx_apikey_", Url, 24, 96),
    shape("PLAID", "access-production-", Url, 36, 36),
    shape("PLAID", "access-sandbox-", Url, 36, 36),
    shape("BRAINTREE", "access_token$production$", Url, 30, 90),
    shape("SHIPPO", "shippo_live_", Hex, 40, 40),
    shape("EASYPOST", "EZAK", Alnum, 50, 60),
    shape("EASYPOST", "EZTK", Alnum, 50, 60),
    shape("DUFFEL", "duffel_live_", Url, 40, 48),
    // Clouds and infrastructure.
    shape("AWS_ACCESS_KEY", "AKIA", Upper, 16, 16),
    shape("AWS_ACCESS_KEY", "ASIA", Upper, 16, 16),
    shape("AWS_ACCESS_KEY", "ABIA", Upper, 16, 16),
    shape("AWS_ACCESS_KEY", "ACCA", Upper, 16, 16),
    shape("AWS_BEDROCK", "ABSK", Base64, 100, 200),
    shape("GOOGLE_API_KEY", "AIza", Url, 35, 35),
    shape("GOOGLE_OAUTH", "GOCSPX-", Url, 24, 36),
    shape("GOOGLE_OAUTH", "ya29.", Dotted, 20, 2048),
    shape("ALIBABA", "LTAI", Alnum, 16, 24),
    weak("TENCENT", "AKID", Alnum, 32, 36),
    shape("DIGITALOCEAN", "dop_v1_", Hex, 64, 64),
    shape("DIGITALOCEAN", "doo_v1_", Hex, 64, 64),
    shape("DIGITALOCEAN", "dor_v1_", Hex, 64, 64),
    shape("HEROKU", "HRKU-", Url, 36, 64),
    shape("NETLIFY", "nfp_", Alnum, 36, 44),
    shape("FLY_IO", "FlyV1 fm", Base64, 80, 2048),
    shape("FLY_IO", "fo1_", Url, 40, 48),
    shape("RENDER", "rnd_", Alnum, 28, 40),
    shape("SUPABASE", "sbp_", Hex, 40, 40),
    shape("SUPABASE", "sb_secret_", Url, 24, 64),
    shape("PLANETSCALE", "pscale_tkn_", Dotted, 32, 64),
    shape("PLANETSCALE", "pscale_pw_", Dotted, 32, 64),
    shape("NEON", "napi_", Alnum, 40, 80),
    shape("CLOUDFLARE", "v1.0-", Hex, 20, 24),
    shape("DATABRICKS", "dapi", Hex, 32, 36),
    shape("VAULT", "hvs.", Url, 20, 300),
    shape("VAULT", "hvb.", Url, 20, 300),
    shape("PULUMI", "pul-", Hex, 40, 40),
    shape("DOPPLER", "dp.pt.", Alnum, 40, 48),
    shape("DOPPLER", "dp.st.", Dotted, 40, 64),
    shape("ONEPASSWORD", "ops_eyJ", Base64, 60, 4096),
    shape("TAILSCALE", "tskey-", Url, 20, 80),
    shape("PREFECT", "pnu_", Alnum, 36, 36),
    shape("AGE_KEY", "AGE-SECRET-KEY-1", Upper, 58, 58),
    // Source code and packages.
    shape("GITHUB", "ghp_", Alnum, 36, 255),
    shape("GITHUB", "gho_", Alnum, 36, 255),
    shape("GITHUB", "ghu_", Alnum, 36, 255),
    shape("GITHUB", "ghs_", Alnum, 36, 255),
    shape("GITHUB", "ghr_", Alnum, 36, 255),
    shape("GITHUB", "github_pat_", Url, 60, 100),
    shape("GITLAB", "glpat-", Dotted, 20, 64),
    shape("GITLAB", "gldt-", Url, 20, 64),
    shape("GITLAB", "glrt-", Dotted, 20, 64),
    shape("GITLAB", "glcbt-", Url, 20, 64),
    shape("GITLAB", "glptt-", Hex, 40, 40),
    shape("GITLAB", "glsoat-", Url, 20, 64),
    shape("BITBUCKET", "ATBB", Alnum, 32, 32),
    shape("ATLASSIAN", "ATATT3", Base64, 100, 300),
    shape("NPM", "npm_", Alnum, 36, 36),
    shape("PYPI", "pypi-AgE", Url, 50, 2048),
    shape("RUBYGEMS", "rubygems_", Hex, 48, 48),
    shape("CRATES_IO", "cio", Alnum, 32, 32),
    shape("DOCKER_HUB", "dckr_pat_", Url, 24, 36),
    shape("DOCKER_HUB", "dckr_oat_", Url, 24, 48),
    shape("NUGET", "oy2", Alnum, 43, 43),
    shape("CLOJARS", "CLOJARS_", Hex, 60, 60),
    shape("JFROG", "AKCp", Alnum, 69, 69),
    shape("JFROG", "cmVmdGtu", Alnum, 56, 64),
    shape("SONARQUBE", "squ_", Hex, 40, 40),
    shape("SONARQUBE", "sqp_", Hex, 40, 40),
    shape("SONARQUBE", "sqa_", Hex, 40, 40),
    // Language models.
    shape("ANTHROPIC", "sk-ant-", Url, 32, 160),
    shape("OPENROUTER", "sk-or-v1-", Hex, 64, 64),
    shape("OPENAI", "sk-proj-", Url, 40, 200),
    shape("OPENAI", "sk-svcacct-", Url, 40, 200),
    shape("OPENAI", "sk-admin-", Url, 40, 200),
    shape("LANGFUSE", "sk-lf-", Url, 32, 48),
    weak("OPENAI", "sk-", Alnum, 20, 80),
    shape("HUGGING_FACE", "hf_", Alnum, 30, 48),
    shape("REPLICATE", "r8_", Alnum, 36, 44),
    shape("GROQ", "gsk_", Alnum, 48, 60),
    shape("XAI", "xai-", Alnum, 70, 90),
    shape("PERPLEXITY", "pplx-", Alnum, 40, 64),
    shape("PINECONE", "pcsk_", Url, 40, 100),
    shape("LANGSMITH", "lsv2_pt_", Url, 32, 64),
    shape("LANGSMITH", "lsv2_sk_", Url, 32, 64),
    // Messages and mail.
    shape("SLACK", "xoxb-", Url, 16, 250),
    shape("SLACK", "xoxp-", Url, 16, 250),
    shape("SLACK", "xoxa-", Url, 16, 250),
    shape("SLACK", "xoxr-", Url, 16, 250),
    shape("SLACK", "xoxs-", Url, 16, 250),
    shape("SLACK", "xoxe", Dotted, 24, 250),
    shape("SLACK", "xapp-", Url, 24, 250),
    shape("SLACK_WEBHOOK", "hooks.slack.com/services/", Base64, 40, 90),
    shape("DISCORD_WEBHOOK", "discord.com/api/webhooks/", Base64, 60, 120),
    shape("TEAMS_WEBHOOK", "webhook.office.com/webhookb2/", Base64, 60, 260),
    weak("TWILIO", "SK", Hex, 32, 32),
    shape("SENDGRID", "SG.", Dotted, 60, 72),
    shape("MAILGUN", "key-", Hex, 32, 32),
    shape("BREVO", "xkeysib-", Url, 70, 90),
    shape("BREVO", "xsmtpsib-", Url, 70, 90),
    shape("FACEBOOK", "EAACEdEose0cBA", Alnum, 20, 300),
    weak("FACEBOOK", "EAA", Alnum, 80, 300),
    shape("TELNYX", "KEY0", Url, 40, 60),
    // Business software and monitoring.
    shape("SHOPIFY", "shpat_", Hex, 32, 40),
    shape("SHOPIFY", "shpca_", Hex, 32, 40),
    shape("SHOPIFY", "shppa_", Hex, 32, 40),
    shape("SHOPIFY", "shpss_", Hex, 32, 40),
    shape("GRAFANA", "glc_", Base64, 32, 400),
    shape("GRAFANA", "glsa_", Url, 32, 64),
    shape("SENTRY", "sntrys_", Base64, 40, 400),
    shape("SENTRY", "sntryu_", Hex, 64, 64),
    shape("NEW_RELIC", "NRAK-", Alnum, 24, 30),
    shape("NEW_RELIC", "NRII-", Url, 24, 40),
    shape("DYNATRACE", "dt0c01.", Dotted, 80, 96),
    shape("LINEAR", "lin_api_", Alnum, 36, 48),
    shape("NOTION", "ntn_", Alnum, 40, 50),
    shape("NOTION", "secret_", Alnum, 43, 43),
    shape("FIGMA", "figd_", Url, 36, 48),
    shape("POSTMAN", "PMAK-", Url, 50, 64),
    shape("CONTENTFUL", "CFPAT-", Url, 40, 48),
    shape("MAPBOX", "sk.eyJ", Dotted, 60, 200),
    shape("TYPEFORM", "tfp_", Url, 40, 64),
    shape("HUBSPOT", "pat-na1-", Url, 36, 36),
    shape("HUBSPOT", "pat-eu1-", Url, 36, 36),
    shape("README", "rdme_", Alnum, 60, 80),
    // Signed tokens: three parts, of which the first is a JSON object.
    shape("JWT", "eyJ", Dotted, 60, 8192),
];

impl Shape {
    /// The token that begins here with exactly this prefix.
    pub(super) fn at(&self, text: &str, start: usize) -> Option<Secret> {
        let before = text.get(..start)?.bytes().next_back().unwrap_or(b' ');
        let url = self.prefix.contains('/');
        let joined = before.is_ascii_alphanumeric() || matches!(before, b'_' | b'-' | b'.');
        let body = text.get(start..)?.strip_prefix(self.prefix)?;
        if joined && !url {
            return None;
        }
        // One byte more than the longest tells a token from a longer word.
        let taken =
            body.bytes().take(self.max + 1).take_while(|byte| self.alphabet.has(*byte)).count();
        let trimmed = body.get(..taken)?.trim_end_matches(['.', '-', '_', '/']);
        let whole = (self.min..=self.max).contains(&trimmed.len());
        let parts = self.name != "JWT" || trimmed.bytes().filter(|b| *b == b'.').count() == 2;
        let continues = body.as_bytes().get(taken).is_some_and(u8::is_ascii_alphanumeric);
        if !whole || !parts || continues || entropy(trimmed) < self.entropy {
            return None;
        }
        let span = start..start + self.prefix.len() + trimmed.len();
        let (entity, subtype, check) = ("API_KEY", self.name, "known shape");
        Some(Secret { span, entity, subtype, score: 0.95, check })
    }
}

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        match self {
            Hex => byte.is_ascii_hexdigit(),
            Upper => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
            Alnum => byte.is_ascii_alphanumeric(),
            Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Dotted => Url.has(byte) || byte == b'.',
            Base64 => Dotted.has(byte) || matches!(byte, b'/' | b'+' | b'=' | b'@'),
        }
    }
}
