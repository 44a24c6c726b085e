//! What the slots of the templates are filled with, a conversation at a time.

/// Slots whose values belong together: a row gives one value to each name.
#[derive(Debug)]
pub(crate) struct Group {
    /// The slots, without braces.
    pub(crate) names: &'static [&'static str],
    /// Their values, a row as long as `names`.
    pub(crate) rows: &'static [&'static [&'static str]],
}

/// Every slot but `city` and `province_name` (the customer's) and `digits` (random).
///
/// Slots that answers use have few values: each distinct answer has to be embedded.
pub(crate) const GROUPS: &[Group] = &[
    Group {
        names: &["data", "price", "days"],
        rows: &[
            &["500MB", "R49", "7 days"],
            &["1GB", "R29", "1 day"],
            &["1GB", "R85", "30 days"],
            &["2GB", "R139", "30 days"],
            &["3GB", "R179", "30 days"],
            &["5GB", "R249", "30 days"],
            &["10GB", "R399", "30 days"],
        ],
    },
    Group {
        names: &["speed", "monthly"],
        rows: &[
            &["25Mbps", "R499"],
            &["50Mbps", "R649"],
            &["100Mbps", "R849"],
            &["200Mbps", "R1,049"],
        ],
    },
    Group {
        names: &["plan", "fee"],
        rows: &[
            &["Flexi 100", "R149"],
            &["Smart 5", "R299"],
            &["Smart 10", "R449"],
            &["Smart 20", "R599"],
        ],
    },
    Group {
        names: &["airtime"],
        rows: &[&["R5"], &["R10"], &["R12"], &["R20"], &["R29"], &["R30"], &["R50"], &["R100"]],
    },
    Group {
        names: &["amount"],
        rows: &[
            &["R80"],
            &["R120"],
            &["R199"],
            &["R250"],
            &["R349"],
            &["R400"],
            &["R480"],
            &["R599"],
            &["R650"],
            &["R720"],
            &["R899"],
            &["R1000"],
            &["R1 250"],
            &["R1500"],
            &["R1 899"],
            &["R2300"],
            &["R3 000"],
            &["R4750"],
        ],
    },
    Group {
        names: &["phone"],
        rows: &[
            &["iPhone 11"],
            &["iPhone 13"],
            &["iPhone 15"],
            &["Samsung A15"],
            &["Samsung S23"],
            &["Huawei Nova"],
            &["Redmi 12"],
            &["Hisense"],
        ],
    },
    Group {
        names: &["country"],
        rows: &[
            &["Namibia"],
            &["Botswana"],
            &["Mozambique"],
            &["Zimbabwe"],
            &["Lesotho"],
            &["Mauritius"],
            &["Dubai"],
            &["Portugal"],
            &["London"],
        ],
    },
    Group {
        names: &["network"],
        rows: &[&["Kestrel"], &["Protea Cell"], &["BlueCrane"], &["Jabula Mobile"]],
    },
    Group {
        names: &["person", "af_person", "person_opening"],
        rows: &[
            &["my mom", "my ma", "My mom"],
            &["my sister", "my suster", "My sister"],
            &["my gogo", "my ouma", "My gogo"],
            &["my wife", "my vrou", "My wife"],
            &["my son", "my seun", "My son"],
            &["my brother", "my broer", "My brother"],
            &["a friend", "'n vriend", "A friend"],
            &["my dad", "my pa", "My dad"],
        ],
    },
    Group {
        names: &["since", "zu_since"],
        rows: &[
            &["since yesterday", "kusukela izolo"],
            &["since this morning", "kusukela ekuseni"],
            &["since last night", "kusukela izolo ebusuku"],
            &["since Monday", "kusukela ngoMsombuluko"],
            &["for 3 days now", "izinsuku ezintathu"],
            &["for hours already", "usuku lonke"],
            &["the whole day", "usuku lonke"],
            &["for a week already", "isonto lonke"],
        ],
    },
    Group {
        names: &["recent"],
        rows: &[
            &["yesterday"],
            &["this morning"],
            &["last night"],
            &["just now"],
            &["2 days ago"],
            &["on Friday"],
            &["on Sunday"],
            &["last week"],
            &["an hour ago"],
        ],
    },
    Group {
        names: &["date"],
        rows: &[
            &["the 1st"],
            &["the 15th"],
            &["the 25th"],
            &["the 28th"],
            &["Monday"],
            &["Friday"],
            &["Saturday"],
        ],
    },
    Group { names: &["stage"], rows: &[&["stage 2"], &["stage 3"], &["stage 4"], &["stage 6"]] },
    Group {
        names: &["sky_price", "sky_speed", "sky_ping", "metres"],
        rows: &[
            &["R899", "40 mbps", "45ms", "20 metres"],
            &["R899", "60 mbps", "60ms", "30 metres"],
            &["R799", "25 mbps", "70ms", "15m"],
            &["R1299", "110 mbps", "38ms", "50 metres"],
            &["R4999", "12 mbps", "120ms", "25 metres"],
        ],
    },
];
