//! The words themselves, in English, French, Arabic, Portuguese, Swahili, Afrikaans, Zulu, Hausa,
//! Yoruba, Igbo and Amharic.
//!
//! Compared without case and accents. A `*` marks an end that may be glued to other letters, as in
//! compounds, prefixes and articles. The lists for Zulu, Hausa, Yoruba, Igbo and Amharic are short
//! and were not reviewed by native speakers: a project can add its own by a custom recogniser.

use super::Topic;

pub(super) const WORDS: &[(Topic, &str)] = &[
    (
        Topic::Phone,
        "phone*|*phone|telephone*|mobile|mobile number|cell|cellphone|tel|call|call me|call us|call back|called|calling|sms|text me|whatsapp*|reach me|reach him|reach her|contact number|contact me|dial|ring|fax|my number|your number|his number|her number|number changed|changed to|momo",
    ),
    (
        Topic::Phone,
        "téléphone*|portable|numéro de tel|mon numéro|votre numéro|son numéro|appelez*|appeler|rappeler|rappelez*|joindre|joignable|contactez*|gsm|fixe",
    ),
    (Topic::Phone, "*هاتف*|*تلفون*|*جوال*|*موبايل*|*واتساب*|*اتصل*|*اتصال*|رقمي|*محمول*"),
    (
        Topic::Phone,
        "telefone*|telemóvel*|celular|meu número|seu número|ligue*|ligar|liga-me|contacto|contato",
    ),
    (
        Topic::Phone,
        "simu|*simu|nambari yangu|nambari yake|namba yangu|namba yake|nipigie*|piga simu|rununu",
    ),
    (
        Topic::Phone,
        "*foon|*foonnommer|selfoon*|foon*|my nommer|jou nommer|skakel*|bel my|kontaknommer",
    ),
    (
        Topic::Phone,
        "*ucingo*|*ifoni*|*foni yami|inombolo yami|*makhalekhukhwini|ngishayele|lambar waya|*waya ta|lambata|kira ni|nọ́mbà mi|fóònù*|pe mi|nọmba m|ekwentị*|kpọọ m|*ስልክ*|*ሞባይል*|*ደውል*",
    ),
    (
        Topic::Card,
        "card|cards|card number|credit card|debit card|visa|mastercard|verve|amex|pan|cvv|cvc|expiry|carte bancaire|carte bleue|carte|carte de crédit|numéro de carte|*بطاقتي*|*بطاقة الائتمان*|*بطاقة ائتمان*|*بطاقة بنكية*|*البطاقة البنكية*|*فيزا*|*ماستركارد*|cartão*|cartões|cartão de crédito|kadi|kadi ya benki|kadi yangu|kaart*|*kaart|kredietkaart*|bankkaart*|ikhadi*|*khadi lasebhange|katin banki|katin|káàdì*|kaadi*|kaadị*|*ካርድ*",
    ),
    (
        Topic::Identity,
        "id|ids|i.d|i.d.|id no|id number|id card|identity|identity number|identity card|identity document|national id|national identity|national identification|identification|nin|bvn|ssn|social security|social security number|national insurance|nino|ni number|cin|cnie|ghana card|ghanacard|huduma|nida|smart id|ssnit|citizen number|bank verification",
    ),
    (
        Topic::Identity,
        "carte d'identité|carte nationale|carte d’identité|identité|pièce d'identité|cni|nir|sécurité sociale|numéro de sécu|identifiant national|numéro national",
    ),
    (
        Topic::Identity,
        "*بطاقتي*|*بطاقة التعريف*|*بطاقة الهوية*|*بطاقة وطنية*|*البطاقة الوطنية*|*الرقم القومي*|*الرقم الوطني*|*هويتي*|*الهوية*|*بطاقة تعريف*|*رقم البطاقة*|*الضمان الاجتماعي*",
    ),
    (
        Topic::Identity,
        "bilhete de identidade|bi|cartão de cidadão|cartão do cidadão|documento de identidade|identidade|número de identificação|segurança social|nuic",
    ),
    (Topic::Identity, "kitambulisho*|namba ya nida|nambari ya kitambulisho|kadi ya taifa"),
    (
        Topic::Identity,
        "id-nommer|identiteitsnommer|identiteit*|id-kaart|umazisi*|*mazisi|inombolo kamazisi|katin shaida|katin dan kasa|káàdì ìdánimọ̀|nọ́mbà ìdánimọ̀|ìdánimọ̀|kaadị njirimara|njirimara|*መታወቂያ*|*ፋይዳ*",
    ),
    (
        Topic::Tax,
        "tax|tax number|tax no|tax id|tin|kra|kra pin|pin number|taxpayer|nif|nuit|nic|utr|itin|ein|vat|vat number|ice|identifiant fiscal|matricule fiscal|numéro fiscal|identification fiscale|ninea|siret|siren|*الرقم الضريبي*|*التعريف الجبائي*|*المعرف الجبائي*|*التعريف الموحد*|*رقم جبائي*|contribuinte|número fiscal|nipc|belasting*|inkomstebelasting*|nambari ya kodi|namba ya mlipakodi|intela|lambar haraji|nọ́mbà owó orí|*ግብር*",
    ),
    (
        Topic::Bank,
        "account|acct|acc|acc no|a/c|bank details|pay into|paid into|deposit into|deposited into|account number|account no|bank account|accounts|sort code|routing|routing number|aba|nuban|iban|rib|swift|beneficiary|compte|numéro de compte|compte bancaire|relevé d'identité bancaire|*حسابي*|*الحساب*|*حساب رقم*|*حساب بنكي*|*رقم حساب*|conta|conta bancária|número da conta|nib|akaunti|akaunti ya benki|nambari ya akaunti|rekening*|rekeningnommer|bankrekening*|i-akhawunti*|*akhawunti*|asusun*|lambar asusu|asusu|àkáǹtì*|akanti|akaụntụ*|akauntu*|*ሂሳብ*|*ሒሳብ*|*አካውንት*",
    ),
    (
        Topic::Passport,
        "passport*|passeport*|*جواز*|passaporte*|pasipoti*|paspoort*|*phasipoti*|*pasipoti|fasfo|fasfot|páásípọ́ọ̀tù*|paspọtụ*|*ፓስፖርት*",
    ),
    (
        Topic::Birth,
        "birth*|born|dob|d.o.b|date of birth|birthday|birth date|birthdate|né le|née le|né en|née en|naissance|date de naissance|*ميلاد*|*مولود*|*ولد*|*الازدياد*|nascimento|nascido*|nascida*|data de nascimento|nasci|kuzaliwa|nilizaliwa|alizaliwa|tarehe ya kuzaliwa|gebore*|geboortedatum|geboorte*|verjaarsdag|ngazalwa*|*zalwa*|usuku lokuzalwa|haihuwa|ranar haihuwa|an haife*|ọjọ́ ìbí|bí mi|ụbọchị ọmụmụ|*ልደት*|*የተወለድ*|*ተወለድ*",
    ),
    (
        Topic::Network,
        "ip|ip address|ipv4|ipv6|logged in|login|log in|sign in|signed in|connected from|connection from|host|server|dns|subnet|gateway|client ip|remote|adresse ip|connexion|*عنوان ip*|endereço ip|anwani ya ip|ip-adres|mac|mac address|hardware address|bssid|bluetooth|adresse mac|endereço mac",
    ),
    (Topic::Device, "imei|imei number|device id|handset|meid|numéro imei|serial of my phone"),
    (
        Topic::Crypto,
        "bitcoin|btc|ethereum|eth|wallet|crypto*|usdt|tron|trx|portefeuille crypto|carteira|pochi",
    ),
    (
        Topic::Vehicle,
        "plate|number plate|licence plate|license plate|registration number|vehicle reg*|car reg|reg no|vehicle|car registration|immatriculation*|plaque|matrícula|chapa de matrícula|placa|*لوحة*|nambari ya gari|namba ya gari|registrasienommer|kentekennommer|nommerplaat|inombolo yemoto|lambar mota|nọ́mbà ọkọ̀|nọmba ụgbọala|*ሰሌዳ*",
    ),
    (
        Topic::MobileMoney,
        "m-pesa*|mpesa*|m-pesa code|mobile money|momo|mtn momo|airtel money|orange money|wave|tigo pesa|tigopesa|ecocash|emola|e-mola|transaction id|transaction code|mpesa code|confirmation code|txn id|*pesa|mixx",
    ),
    (
        Topic::Secret,
        "key|keys|api key|api-key|apikey|api_key|access key|secret*|token|access token|bearer|authorization|credential*|password|passwd|pwd|passkey|private key|auth|clé|clef|clé api|clé secrète|jeton|mot de passe|*مفتاح*|*كلمة السر*|*كلمة المرور*|*رمز سري*|chave|chave de api|segredo|senha|palavra-passe|ufunguo|funguo|nenosiri|nywila|sleutel|api-sleutel|geheim*|wagwoord|ukhiye|iphasiwedi|maɓalli|kalmar sirri|kọ́kọ́rọ́|ọ̀rọ̀ aṣínà|igodo|okwuntughe|*ቁልፍ*|*የይለፍ ቃል*",
    ),
    (
        Topic::Address,
        "address|live at|lives at|living at|live in|moved to|deliver to|delivery address|postal address|reside*|residing|woon|adres|woonadres|adresse|habite*|domicile|demeurant|endereço|moro|morada|residência|anwani|naishi|ninaishi|*عنوان*|*أسكن*|*اسكن*|*ساكن*|ikheli*|hlala*|adireshi|àdírẹ́sì|adreesị|*አድራሻ*",
    ),
    (
        Topic::Impersonal,
        "user id|loan id|loan number|paybill|till number|session id|order id|message id|product id|merchant id|job id|process id|row id|item id|event id|ticket id|chat id|application id|part no|order*|order number|invoice*|tracking|parcel|shipment|waybill|reference*|ref|ref no|reference number|ticket*|case number|case no|case id|batch|lot number|version|firmware|release|build|section|chapter|clause|paragraph|article no|page|commit|sha|sha1|sha256|hash|checksum|digest|revision|isbn|issn|ean|sku|barcode|serial number|serial no|part number|model|flight|gate|room|request id|request|trace id|span id|error code|error|status|electricity token|prepaid electricity|meter number|meter|voucher|booking|reservation|receipt|quantity|amount|price|total|latitude|longitude|coordinates|subscribers|population|port|promo code|coupon|po number|purchase order|claim|claim number|policy number|quote number|incident|timestamp|uuid|guid|page number|product",
    ),
    (
        Topic::Impersonal,
        "commande*|facture*|dossier*|colis|suivi|référence*|devis|bon de livraison|montant|numéro de série|réservation|vol n*|billet|lot n*|article|quantité",
    ),
    (
        Topic::Impersonal,
        "*طلب*|*فاتورة*|*شحنة*|*تتبع*|*مرجع*|*تذكرة*|*إصدار*|*رحلة*|*مبلغ*|*حجز*|*دفعة*",
    ),
    (
        Topic::Impersonal,
        "pedido*|encomenda*|fatura*|factura*|rastreio|rastreamento|referência*|processo*|versão|voo|lote|quantia|montante|nota fiscal|reserva",
    ),
    (
        Topic::Impersonal,
        "oda|agizo|ankara|kumbukumbu|risiti|toleo|mzigo|kifurushi|tiketi|kiasi|safari ya ndege",
    ),
    (
        Topic::Impersonal,
        "bestelling*|bestelnommer|faktuurnommer|volgnommer|faktuur*|verwysing*|verwysingsnommer|kaartjie|weergawe|vlug|bedrag|bondel|kwitansie|i-oda|*oda yakho|inkomba|i-invoyisi|odar*|oda ta|rasit|àṣẹ rà|ìwé owó|*ትዕዛዝ*|*ደረሰኝ*|*ማጣቀሻ*",
    ),
];
