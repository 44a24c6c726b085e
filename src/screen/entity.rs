//! The types of personal data and secrets that the recognisers know.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a finding is. The label (`EMAIL`, `NATIONAL_ID`) is used in rules, placeholders and reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityType {
    /// An e-mail address, also as "name at example dot com".
    Email,
    /// A telephone number that is valid in one of the project's regions, or an international one.
    Phone,
    /// A payment card number (Luhn and issuer range), or a card security code next to its name.
    CreditCard,
    /// An international bank account number (mod 97, length of the country).
    Iban,
    /// A domestic account or routing number, by context.
    BankAccount,
    /// An IPv4 or IPv6 address.
    IpAddress,
    /// A hardware address.
    MacAddress,
    /// The number of a mobile device (Luhn and context).
    Imei,
    /// A URL or connection string with a user name and password.
    UrlCredentials,
    /// A Bitcoin, Ethereum or Tron address.
    CryptoAddress,
    /// A date that the text calls a date of birth.
    DateOfBirth,
    /// A street address or post-office box in one of the usual written forms.
    Address,
    /// A number that a state gives to a person or a firm: identity, social security, tax.
    NationalId,
    /// A passport number, by context.
    Passport,
    /// A vehicle's registration mark, by context.
    Plate,
    /// The receipt number of a mobile-money transaction, by context.
    MobileMoney,
    /// An API key, token, private key or password.
    ApiKey,
    /// A person's name where the text introduces one or a model finds one. Off unless asked for.
    Person,
    /// What a custom recogniser of this name finds.
    Custom(String),
}

/// The built-in types and their labels.
const LABELS: &[(EntityType, &str)] = &[
    (EntityType::Email, "EMAIL"),
    (EntityType::Phone, "PHONE"),
    (EntityType::CreditCard, "CREDIT_CARD"),
    (EntityType::Iban, "IBAN"),
    (EntityType::BankAccount, "BANK_ACCOUNT"),
    (EntityType::IpAddress, "IP_ADDRESS"),
    (EntityType::MacAddress, "MAC_ADDRESS"),
    (EntityType::Imei, "IMEI"),
    (EntityType::UrlCredentials, "URL_CREDENTIALS"),
    (EntityType::CryptoAddress, "CRYPTO_ADDRESS"),
    (EntityType::DateOfBirth, "DATE_OF_BIRTH"),
    (EntityType::Address, "ADDRESS"),
    (EntityType::NationalId, "NATIONAL_ID"),
    (EntityType::Passport, "PASSPORT"),
    (EntityType::Plate, "PLATE"),
    (EntityType::MobileMoney, "MOBILE_MONEY"),
    (EntityType::ApiKey, "API_KEY"),
    (EntityType::Person, "PERSON"),
];

impl EntityType {
    /// The built-in types.
    pub fn built_in() -> impl Iterator<Item = Self> {
        LABELS.iter().map(|(entity, _)| entity.clone())
    }

    /// What is counted apart: the labels of the built-in types, and `CUSTOM` for all others together.
    pub fn counted() -> impl Iterator<Item = &'static str> {
        LABELS.iter().map(|(_, label)| *label).chain(["CUSTOM"])
    }

    /// The place among [`EntityType::counted`].
    pub fn place(&self) -> usize {
        LABELS.iter().position(|(known, _)| known == self).unwrap_or(LABELS.len())
    }

    /// The label, in capitals: a built-in one, or the custom recogniser's name.
    pub fn label(&self) -> &str {
        match self {
            Self::Custom(name) => name,
            known => LABELS.iter().find(|(e, _)| e == known).map_or("", |(_, label)| label),
        }
    }

    /// The type of this label: a custom one where no built-in type bears it.
    pub fn of_label(label: &str) -> Self {
        let known = LABELS.iter().find(|(_, known)| *known == label);
        known.map_or_else(|| Self::Custom(label.to_owned()), |(entity, _)| entity.clone())
    }
}

impl fmt::Display for EntityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl Serialize for EntityType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.label())
    }
}

impl<'de> Deserialize<'de> for EntityType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|label| Self::of_label(&label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_unique_and_read_back() {
        for entity in EntityType::built_in() {
            assert_eq!(EntityType::of_label(entity.label()), entity);
        }
        let custom = EntityType::of_label("STAFF_NUMBER");
        assert_eq!(custom, EntityType::Custom("STAFF_NUMBER".to_owned()));
        assert_eq!(EntityType::counted().nth(custom.place()), Some("CUSTOM"));
        assert_eq!(EntityType::counted().nth(EntityType::Phone.place()), Some("PHONE"));
        assert!(EntityType::counted().count() <= 32, "they are bits of a number");
        assert_eq!(serde_json::to_string(&custom).unwrap(), "\"STAFF_NUMBER\"");
    }
}
