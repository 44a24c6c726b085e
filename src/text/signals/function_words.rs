//! The small words of a sentence, for languages that set them apart by white space.
//!
//! Lists of our own writing; the one in Yoruba was not reviewed by native speakers. Amharic, Arabic,
//! Hausa, Igbo, Swahili and Zulu have none: they write much of what these words say as parts of
//! others, so that good short sentences without any are common (15 to 17 % of those we tried in
//! Hausa, Igbo and Swahili).

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use super::reading::Reading;

/// Words that a text must have before their kind means something.
const MIN_WORDS: usize = 3;
/// Bytes of the longest function word.
const MAX_BYTES: usize = 14;

const AFRIKAANS: &str = "aan al alles as baie by daar dat deur die dit een ek en er daarvan gaan \
    geen het hier hierdie hoe hoekom hom hulle in is jou jy julle kan laat maar maak mag met moet \
    my n na nie niks nog nou of om omdat ons oor op se sal sy te tot uit van vir voor waar was wat \
    watter weet wees wie wil word sou so soos toe u";
const ENGLISH: &str = "a about after again all am an and any are aren't as at be because been \
    before but by can can't cannot could couldn't did didn't do does doesn't don't for from had \
    has have haven't he her here him his how how's i i'd i'll i'm i've if in into is isn't it it's \
    its just let's may me might more my no not of on or our out over please shall she should so \
    some than that that's the their them then there there's these they this those to too up us \
    very was wasn't we we're were what what's when where where's which while who who's why will \
    with won't would you you're your";
const FRENCH: &str = "a ai alors au aussi aux avec avez avoir ce cela ces cet cette chez comme \
    comment c'est d'un d'une dans de des du elle en est est-ce et être faire fait il ils j'ai je \
    l'on la le les leur leurs lui ma mais me mes moi mon ne nos notre nous n'est on ont ou où par \
    pas pour pourquoi plus puis-je qu'est-ce qu'il quand que quel quelle quels quelles qui s'il sa \
    sans se ses si son sont sur ta te tes toi ton très tu un une vos votre vous y à ça";
const PORTUGUESE: &str = "a ao aos as com como da das de do dos e ela ele em então era essa esse \
    esta está este eu foi há isso isto já lhe mais mas me meu minha muito na nas nem no nos nosso \
    não o onde os ou para pela pelo por porque posso pra quais qual quando que quem se sem ser seu \
    sua são só também te tem tenho ter um uma você vocês à às é";
const SPANISH: &str = "a al como con cuando cuál cuándo cómo de del desde donde dónde e el ella en \
    entre era es esa ese eso esta este esto está están fue ha hay he la las le les lo los me mi \
    mis muy más ni no nos o para pero por porque puedo que quién qué se ser si sin sobre son su \
    sus también te tengo ti tiene tu un una uno y ya yo";
const YORUBA: &str = "a àti ati awọn àwọn bí bi fi fún fun gbogbo jẹ́ jẹ kan kí ki kò kọ́ lati láti le lè \
    mi mo ń n ní ni nínú ninu nígbà nigba o ọ̀ ọ pé pe rẹ̀ rẹ sí si ṣé se ṣe tàbí tabi ta tí ti tó to wà \
    wa wọn wo wọ́n ó";

static LISTS: LazyLock<HashMap<&str, HashSet<&str>>> = LazyLock::new(|| {
    let lists = [
        ("af", AFRIKAANS),
        ("en", ENGLISH),
        ("es", SPANISH),
        ("fr", FRENCH),
        ("pt", PORTUGUESE),
        ("yo", YORUBA),
    ];
    lists
        .into_iter()
        .map(|(language, words)| (language, words.split_whitespace().collect()))
        .collect()
});

/// The share of function words among the words, in [0, 1]; `None` where `language` (ISO 639-1) has
/// no list or the text has fewer than three words.
pub(super) fn share(reading: &Reading, language: &str) -> Option<f32> {
    let list = LISTS.get(language)?;
    if reading.words.len() < MIN_WORDS {
        return None;
    }
    let known = |word: &str| {
        if word.len() > MAX_BYTES {
            return false;
        }
        list.contains(word) || word.contains('’') && list.contains(word.replace('’', "'").as_str())
    };
    let small = reading.lower_words().filter(|word| known(word)).count();
    Some(small as f32 / reading.words.len() as f32)
}

/// The whole text where its `share` says that it is search words.
pub(super) fn find(reading: &Reading, share: Option<f32>) -> Option<Range<usize>> {
    share.is_some_and(|share| share <= 0.0).then(|| reading.trimmed())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, language: &str) -> Option<f32> {
        share(&Reading::new(text), language)
    }

    #[test]
    fn the_share_is_that_of_the_language() {
        assert_eq!(of("Where is my card?", "en"), Some(0.75));
        assert_eq!(of("balance account check", "en"), Some(0.0));
        assert_eq!(of("I don’t know", "en"), Some(2.0 / 3.0));
        assert_eq!(of("Quel est le solde", "fr"), Some(0.75));
        assert_eq!(of("check balance", "en"), None, "too short");
        assert_eq!(of("ngicela usizo lwakho manje", "zu"), None, "no list");
    }

    #[test]
    fn every_list_has_words() {
        for (language, words) in LISTS.iter() {
            assert!(words.len() >= 35, "{language}");
            assert!(words.iter().all(|word| word.replace('\'', "’").len() <= MAX_BYTES));
        }
    }
}
