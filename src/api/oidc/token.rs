//! Signed tokens (RFC 7515, 7519) and the keys that verify them (RFC 7517), as far as they are wanted
//! here: RS256, ES256 and EdDSA. Everything else, `none` and shared secrets above all, is no token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::Value;

use super::{OidcConfig, SKEW};
use crate::clock::Timestamp;

/// Bytes of a subject at most.
const SUBJECT_BYTES: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rs256,
    Es256,
    EdDsa,
}

impl Algorithm {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

/// A token, taken apart and not verified.
#[derive(Debug)]
pub(super) struct Token<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: &'a str,
    signature: Vec<u8>,
    claims: Value,
}

impl<'a> Token<'a> {
    /// A token of a wanted form.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        let claims: Value = serde_json::from_slice(&decode(claims)?).ok()?;
        // What must be understood to be safe is not understood here.
        (header.crit.is_none() && claims.is_object()).then_some(())?;
        Some(Self {
            algorithm: Algorithm::parse(&header.alg)?,
            kid: header.kid,
            signed,
            signature: decode(signature)?,
            claims,
        })
    }

    /// What it says; true only once a key has verified it.
    pub(super) const fn claims(&self) -> &Value {
        &self.claims
    }

    /// Whether it is of our issuer, for our audience, for somebody, and within its time.
    pub(super) fn holds(&self, settings: &OidcConfig, now: Timestamp) -> bool {
        let text = |name: &str| self.claims.get(name).and_then(Value::as_str);
        let is_ours = |value: &Value| value.as_str() == Some(settings.audience.as_str());
        let audience = match self.claims.get("aud") {
            Some(Value::Array(items)) => items.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        };
        let subject = text("sub").is_some_and(|sub| (1..=SUBJECT_BYTES).contains(&sub.len()));
        let (now, skew) = (now.as_micros() as f64 / 1e6, SKEW.as_secs_f64());
        let begun = |name: &str| match self.claims.get(name) {
            None => true,
            Some(at) => at.as_f64().is_some_and(|at| at <= now + skew),
        };
        let ends = self.claims.get("exp").and_then(Value::as_f64);
        text("iss") == Some(settings.issuer.as_str())
            && audience
            && subject
            && ends.is_some_and(|end| end > now - skew)
            && begun("nbf")
            && begun("iat")
    }
}

#[derive(Debug)]
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    P256(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A public key of the provider.
#[derive(Debug)]
pub(super) struct VerifyingKey {
    kid: Option<String>,
    material: Material,
}

impl VerifyingKey {
    /// The key of a JSON Web Key, where it is one that verifies a wanted signature.
    pub(super) fn read(jwk: &Value) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| decode(text(name)?);
        text("use").is_none_or(|used| used == "sig").then_some(())?;
        let material = match (text("kty")?, text("crv")) {
            ("RSA", _) => Material::Rsa { n: bytes("n")?, e: bytes("e")? },
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes("x")?, bytes("y")?);
                (x.len() == 32 && y.len() == 32).then_some(())?;
                Material::P256([&[4], &x[..], &y[..]].concat())
            }
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x")?),
            _ => return None,
        };
        let key = Self { kid: text("kid").map(str::to_owned), material };
        let said = text("alg");
        said.is_none_or(|said| Algorithm::parse(said) == Some(key.algorithm())).then_some(key)
    }

    const fn algorithm(&self) -> Algorithm {
        match self.material {
            Material::Rsa { .. } => Algorithm::Rs256,
            Material::P256(_) => Algorithm::Es256,
            Material::Ed25519(_) => Algorithm::EdDsa,
        }
    }

    /// Whether the token may have been signed with it: the same algorithm and, where both have one,
    /// the same name.
    pub(super) fn fits(&self, token: &Token<'_>) -> bool {
        let named =
            self.kid.as_ref().zip(token.kid.as_ref()).is_none_or(|(own, asked)| own == asked);
        named && self.algorithm() == token.algorithm
    }

    /// Whether the token was signed with it.
    pub(super) fn verifies(&self, token: &Token<'_>) -> bool {
        let (message, signature) = (token.signed.as_bytes(), &token.signature);
        let verified = match &self.material {
            Material::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            Material::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Material::Ed25519(key) => {
                UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
            }
        };
        self.algorithm() == token.algorithm && verified.is_ok()
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn now() -> Timestamp {
        Timestamp::from_micros(NOW * 1_000_000)
    }

    fn settings() -> OidcConfig {
        let (issuer, audience) = ("https://id.example".to_owned(), "seamark".to_owned());
        OidcConfig { issuer, audience, ..OidcConfig::default() }
    }

    fn signed(header: &Value, claims: &Value) -> (String, VerifyingKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(header), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(text.as_bytes()));
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "a", "use": "sig"});
        (format!("{text}.{signature}"), VerifyingKey::read(&jwk).unwrap())
    }

    fn claims() -> Value {
        json!({"iss": "https://id.example", "aud": "seamark", "sub": "u", "exp": NOW + 300})
    }

    #[test]
    fn a_token_is_verified_by_its_key_and_by_no_other_bit() {
        let (text, key) = signed(&json!({"alg": "EdDSA", "kid": "a"}), &claims());
        let token = Token::parse(&text).unwrap();
        assert!(token.holds(&settings(), now()) && key.fits(&token) && key.verifies(&token));
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            let verified = Token::parse(&changed).is_some_and(|token| key.verifies(&token));
            // The last letter of a signature has bits that mean nothing; they are refused too.
            assert!(!verified, "with another letter at {at}");
        }
    }

    /// The examples of RFC 7515, A.2 and A.3.
    #[test]
    fn the_standards_own_examples_are_verified() {
        let payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb\
            290Ijp0cnVlfQ";
        let rsa = json!({"kty": "RSA", "e": "AQAB",
            "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEz\
                P1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kp\
                aSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4\
                LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"});
        let ec = json!({"kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"});
        let of_rsa = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt\
            _O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPv\
            kSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnv\
            Wh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        let of_ec = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        for (header, jwk, signature) in
            [("eyJhbGciOiJSUzI1NiJ9", rsa, of_rsa), ("eyJhbGciOiJFUzI1NiJ9", ec, of_ec)]
        {
            let (text, key) =
                (format!("{header}.{payload}.{signature}"), VerifyingKey::read(&jwk).unwrap());
            let token = Token::parse(&text).unwrap();
            assert!(key.fits(&token) && key.verifies(&token), "{header}");
            let other = Token { signed: &text[1..text.len() - signature.len() - 1], ..token };
            assert!(!key.verifies(&other), "{header}");
        }
    }

    #[test]
    fn only_three_algorithms_make_a_token() {
        for alg in ["none", "None", "HS256", "HS512", "RS384", "PS256", "ES384", "eddsa", ""] {
            let (text, _) = signed(&json!({"alg": alg}), &claims());
            assert!(Token::parse(&text).is_none(), "{alg}");
        }
        let (text, _) = signed(&json!({"alg": "EdDSA", "crit": ["b64"], "b64": false}), &claims());
        assert!(Token::parse(&text).is_none(), "crit");
        for text in ["", ".", "..", "a.b.c", "e30.e30.", "e30.e30.e30"] {
            assert!(Token::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_key_of_another_kind_fits_no_token() {
        let (text, key) = signed(&json!({"alg": "RS256", "kid": "a"}), &claims());
        let token = Token::parse(&text).unwrap();
        assert!(
            !key.fits(&token) && !key.verifies(&token),
            "the key says what it is, not the token"
        );
        let (text, key) = signed(&json!({"alg": "EdDSA", "kid": "b"}), &claims());
        assert!(!key.fits(&Token::parse(&text).unwrap()));
    }

    #[test]
    fn claims_must_be_ours_and_within_their_time() {
        let holds = |change: Value| {
            let mut claims = claims();
            claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let (text, _) = signed(&json!({"alg": "EdDSA"}), &claims);
            Token::parse(&text).unwrap().holds(&settings(), now())
        };
        for good in [
            json!({}),
            json!({"aud": ["other", "seamark"]}),
            json!({"exp": NOW - 59}),
            json!({"exp": NOW as f64 + 0.5}),
            json!({"nbf": NOW + 60, "iat": NOW + 60}),
        ] {
            assert!(holds(good.clone()), "{good}");
        }
        for bad in [
            json!({"iss": "https://id.example/"}),
            json!({"iss": null}),
            json!({"aud": "other"}),
            json!({"aud": []}),
            json!({"aud": {"seamark": 1}}),
            json!({"sub": ""}),
            json!({"sub": "x".repeat(201)}),
            json!({"sub": 7}),
            json!({"exp": NOW - 60}),
            json!({"exp": "tomorrow"}),
            json!({"exp": null}),
            json!({"nbf": NOW + 61}),
            json!({"iat": NOW + 61}),
            json!({"nbf": "now"}),
        ] {
            assert!(!holds(bad.clone()), "{bad}");
        }
    }

    #[test]
    fn keys_for_other_uses_are_left_out() {
        let x = URL_SAFE_NO_PAD.encode([1; 32]);
        for jwk in [
            json!({"kty": "OKP", "crv": "Ed25519", "x": x, "use": "enc"}),
            json!({"kty": "OKP", "crv": "X25519", "x": x}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": x, "alg": "RS256"}),
            json!({"kty": "oct", "k": x}),
            json!({"kty": "EC", "crv": "P-256", "x": x}),
            json!({"kty": "EC", "crv": "P-384", "x": x, "y": x}),
            json!({"kty": "RSA", "n": "!", "e": "AQAB"}),
            json!("key"),
        ] {
            assert!(VerifyingKey::read(&jwk).is_none(), "{jwk}");
        }
    }
}
