"""The words of column and event names in several languages, brought down to a few plain concepts."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

CONCEPTS = {
    "customer": "customer customers cust client clients buyer shopper consumer kunde kunden kund cliente clientes klant "
    "klanten acheteur member subscriber household donor guest passenger reviewer person people prospect lead contact "
    "cardholder musteri kunder klient patient mitglied kontakt",
    "user": "user users usr uid utilisateur usuario utente benutzer nutzer gebruiker player login username",
    "account": "account accounts org organisation organization company tenant workspace team firma firmen empresa "
    "entreprise societe azienda bedrijf konto business",
    "anonymous": "anonymous anon cookie visitor pseudo fingerprint besucher visiteur gaid idfa distinct",
    "device": "device geraet gerat appareil dispositivo",
    "order": "order orders invoice transaction transactions txn trans receipt basket bill purchase purchases booking "
    "bestellung bestellungen bestell auftrag auftrags rechnung rechnungs commande facture pedido factura ordine fattura "
    "charge payment payments sale sales ticket bon beleg siparis orden compra vente venta verkauf verkaufs kauf bestelling",
    "session": "session sessions sess visit sitzung sesion sessione",
    "product": "product products item items sku stock article asin variant artikel produkt produit producto articulo "
    "prodotto lineitem movie song album book track film isbn ean upc goods material ware produto clothing",
    "event": "event events action activity ereignis aktion evenement evento behavior behaviour verb interaction",
    "id": "id ids no nr num number code key nummer numero uuid guid ref reference hash token pk kennung identifier nummern",
    "time": "time timestamp stamp datetime ts at zeit zeitpunkt hora heure uhrzeit tijd zeitstempel saat ora",
    "date": "date dates datum fecha dt dato tarih tag jour giorno dia day days",
    "created": "created creation signup signed registered registration register joined join erstellt angelegt anmeldung "
    "inscription alta enrolled enrollment onboarded since",
    "updated": "updated modified modification changed geaendert edited",
    "year": "year jahr annee ano anno yr",
    "month": "month monat mois mes mese",
    "quantity": "quantity qty units menge anzahl cantidad quantite quantita aantal stueck stuck stueckzahl pieces qte "
    "quantidade pcs adet antal",
    "price": "price preis precio prix prezzo prijs preco fiyat pris prices stueckpreis stuckpreis einzelpreis",
    "unit": "unit einzel each unitario unitaire unitario",
    "amount": "amount total revenue spend spent value betrag summe umsatz gesamt importe monto montant importo bedrag "
    "valor valore subtotal gross net paid turnover dollars sum tutar gesamtbetrag gesamtpreis bestellwert brutto netto "
    "ttc ht amt totale gmv usd eur gbp wert",
    "currency": "currency waehrung wahrung devise moneda valuta ccy moeda",
    "category": "category categories department kategorie categorie categoria dept aisle genre warengruppe family",
    "country": "country land pays pais paese nation ulke landen",
    "city": "city ort stadt ville ciudad citta town suburb gemeente",
    "region": "region state province bundesland county provincia",
    "postcode": "postcode zip zipcode postal plz cap",
    "address": "address street adresse strasse rue calle direccion indirizzo hausnummer",
    "email": "email mail correo courriel",
    "phone": "phone mobile tel telephone telefon handy telefono msisdn cell cellphone mobil telefoon portable rufnummer",
    "name": "name names naam nombre nom nome bezeichnung title titel titre",
    "first": "first given vorname prenom forename fname voornaam",
    "surname": "surname nachname apellido lastname familienname achternaam lname cognome",
    "description": "description desc beschreibung descripcion descrizione libelle text omschrijving",
    "channel": "channel source medium campaign utm kanal canal origin referrer acquisition quelle herkunft",
    "platform": "platform os browser plattform useragent",
    "page": "page url path screen seite pagina uri href",
    "status": "status estado statut stato zustand financial",
    "type": "type typ tipo kind art",
    "quality": "discount rabatt remise tax mwst vat tva steuer iva shipping freight versand versandkosten envio porto fee "
    "fees cost costs kosten coupon profit margin gebuehr descuento impuesto tip refunded weight compare",
    "last": "last latest letzte letzter recent previous ultima dernier",
    "birth": "birth dob birthday birthdate geburtstag geburtsdatum naissance nacimiento born age",
    "later": "liefer ship versandt shipped delivery delivered due estimated expected expire expires expiry expiration end ended ends cancelled "
    "fulfilled approved aproved lieferung lieferdatum deleted processed",
    "other": "invited invite inviter referred referrer parent manager employee agent staff seller assigned owner by operator "
    "vendor supplier partner rep salesperson merchant cashier driver verkaeufer billed",
    "gender": "gender sex geschlecht sexe genero",
    "unique": "unique object record rec row line index idx",
    "opt": "opted opt newsletter subscribed consent accepts accepted unsubscribe",
    "clock": "hour minute second stunde minuten",
}
KNOWN = {word: concept for concept, words in CONCEPTS.items() for word in words.split()}
CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
LINKS = ("", "s", "n", "en", "e")


def plain(text: str) -> str:
    """Lower case without accents.

    >>> plain("Währung")
    'wahrung'
    """
    folded = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(char for char in folded if not unicodedata.combining(char)).lower()


@cache
def words(name: str) -> tuple[str, ...]:
    """The words of a column's name, compounds taken apart.

    >>> words("CustomerID"), words("kundennummer"), words("Unit Price (EUR)")
    (('customer', 'id'), ('kunden', 'nummer'), ('unit', 'price', 'eur'))
    """
    parts = (plain(part) for chunk in re.split(r"[^\w]+|_", name) for part in CAMEL.split(chunk) if part)
    return tuple(word for part in parts for word in _compound(part.strip("0123456789") or part))


def concepts(name: str) -> frozenset[str]:
    """The concepts that a column's name speaks of.

    >>> sorted(concepts("Bestelldatum")), sorted(concepts("cust_no"))
    (['date', 'order'], ['customer', 'id'])
    """
    return frozenset(KNOWN.get(word, word) for word in words(name))


@cache
def _compound(word: str) -> tuple[str, ...]:
    if word in KNOWN or len(word) < 5:
        return (word,)
    for cut in range(len(word) - 2, 2, -1):
        head, tail = word[:cut], word[cut:]
        if len(tail) < 4 and tail not in ("id", "nr", "qty"):
            continue
        if tail not in KNOWN and not (rest := _compound(tail))[1:]:
            continue
        rest = (tail,) if tail in KNOWN else rest
        for link in LINKS:
            stem = head.removesuffix(link) if link else head
            if stem in KNOWN:
                return (stem if head not in KNOWN else head, *rest)
    return (word,)


def slug(name: str) -> str:
    """A name for a property, trait or source: letters, digits and _, starting with a letter.

    >>> slug("Page 1 (main category)"), slug("2nd E-Mail")
    ('page_1_main_category', 'c_2nd_e_mail')
    """
    parts = [plain(part) for chunk in re.split(r"[^\w]+|_", name) for part in CAMEL.split(chunk) if part]
    text = re.sub(r"[^a-z0-9_]", "", "_".join(parts))[:60].strip("_")
    if not text:
        return "column"
    return text if text[0].isalpha() else f"c_{text}"


# Raw event names, as words, to the Segment spec's names; `*` ends a pattern that may go on.
EVENT_NAMES = {
    "Order Completed": "purchase|purchased|order completed|order|ordered|transaction|buy|bought|checkout completed|"
    "order placed|kauf|bestellung|achat|compra|conversion|payment succeeded|ecommerce purchase|placed order|"
    "checkout complete|in app purchase|charge succeeded",
    "Order Refunded": "refund|refunded|order refunded|return|returned|retoure|charge refunded",
    "Order Cancelled": "cancel|cancelled|canceled|order cancelled|order canceled|storno",
    "Product Viewed": "product view|product viewed|view item|view product|view|viewed|item view|product page|detail|"
    "product detail|view content|viewed product|pdp|product page view|product detail view|produktansicht",
    "Product List Viewed": "catalog|catalogue|category|category view|view item list|view category|listing|product list|"
    "plp|collection view|category page",
    "Product List Filtered": "filter|filter results|filtered|product list filtered",
    "Products Searched": "search|searched|view search results|products searched|site search|suche",
    "Product Clicked": "select item|product click|product clicked|item click",
    "Product Added": "add to cart|addtocart|added to cart|product added|add cart|basket add|add to basket|cart add|"
    "add to bag|warenkorb",
    "Product Removed": "remove from cart|removed from cart|product removed|cart remove|remove cart",
    "Cart Viewed": "cart|view cart|cart view|cart viewed|basket|basket view|view basket",
    "Product Added to Wishlist": "wishlist add|add to wishlist|wishlist|favorite|favourite|product added to wishlist",
    "Checkout Started": "checkout|begin checkout|checkout started|initiate checkout|start checkout|start order|"
    "checkout start",
    "Checkout Step Viewed": "shipping details|add shipping info|checkout step|checkout step viewed|shipping",
    "Payment Info Entered": "payment details|add payment info|payment info entered|payment info",
    "Coupon Applied": "coupon applied|apply coupon|promo code applied",
    "Promotion Viewed": "promo page|view promotion|promotion viewed|promotion view|promo view",
    "Products Compared": "compare|comparison|compare products|product compare|products compared",
    "Pricing Viewed": "pricing|pricing page|view pricing|pricing viewed",
    "Signed Up": "signup|sign up|signed up|register|registered|registration|account created|user created|"
    "create account|anmeldung",
    "Signed In": "login|log in|signin|sign in|signed in|logged in|user login",
    "Signed Out": "logout|log out|signout|sign out|signed out|logged out",
    "Page Viewed": "page view|pageview|page viewed|page|visit|screen view|viewed page",
    "Session Started": "session start|session started|first visit|start session",
    "Email Opened": "email open|email opened|open|opened|open email|mail opened|opened email",
    "Email Link Clicked": "email click|email clicked|email link clicked|clicked email|mail clicked",
    "Email Delivered": "email delivered|email sent|sent email|email received|received email|delivered",
    "Unsubscribed": "unsubscribe|unsubscribed|email unsubscribed",
    "Trial Started": "trial started|start trial|trial start",
    "Subscription Started": "subscription started|subscribe|subscribed|subscription created|start subscription",
    "Subscription Cancelled": "subscription cancelled|subscription canceled|churn|churned|cancel subscription",
    "Support Contacted": "support chat|support ticket|ticket created|support|contact support|chat started|support request",
    "Product Reviewed": "review|product review|rate|rating|review submitted|add review",
    "Product Shared": "share|product shared|shared",
}
_EVENTS = {pattern: name for name, patterns in EVENT_NAMES.items() for pattern in patterns.split("|")}
ROLES = {
    "purchase": ("Order Completed",),
    "refund": ("Order Refunded", "Order Cancelled"),
    "view": ("Product Viewed",),
    "list": ("Product List Viewed", "Product List Filtered", "Product Clicked"),
    "cart": ("Product Added", "Cart Viewed"),
    "wishlist": ("Product Added to Wishlist",),
    "checkout": ("Checkout Started", "Checkout Step Viewed", "Payment Info Entered"),
    "compare": ("Products Compared",),
    "pricing": ("Pricing Viewed",),
    "login": ("Signed In", "Session Started"),
    "signup": ("Signed Up",),
    "search": ("Products Searched",),
    "page": ("Page Viewed",),
    "email_open": ("Email Opened",),
    "email_click": ("Email Link Clicked",),
    "support": ("Support Contacted",),
}


def event_name(raw: str) -> str | None:
    """The Segment spec's name for a raw event name, where it is clear.

    >>> event_name("add_to_cart"), event_name("ProductViewed"), event_name("checkout_bug")
    ('Product Added', 'Product Viewed', None)
    """
    text = " ".join(plain(part) for chunk in re.split(r"[^\w]+|_", raw) for part in CAMEL.split(chunk) if part)
    return _EVENTS.get(text) or _EVENTS.get(text.replace(" ", ""))


def event_roles(names: list[str]) -> dict[str, list[str]]:
    """Which of the names play a known role, by role."""
    return {role: found for role, known in ROLES.items() if (found := [name for name in names if name in known])}


COUNTRIES = {
    "AT": "austria osterreich",
    "AU": "australia",
    "BE": "belgium belgien",
    "BR": "brazil brasil brasilien",
    "CA": "canada kanada",
    "CH": "switzerland schweiz suisse",
    "CN": "china",
    "CZ": "czechia",
    "DE": "germany deutschland allemagne alemania",
    "DK": "denmark danmark",
    "ES": "spain espana spanien",
    "FI": "finland suomi",
    "FR": "france frankreich",
    "GB": "uk england greatbritain unitedkingdom",
    "IE": "ireland eire",
    "IN": "india indien",
    "IT": "italy italia italien",
    "JP": "japan",
    "MX": "mexico",
    "NL": "netherlands nederland niederlande",
    "NO": "norway norge",
    "PL": "poland polska polen",
    "PT": "portugal",
    "SE": "sweden sverige",
    "TR": "turkey turkiye",
    "US": "usa unitedstates unitedstatesofamerica",
    "ZA": "southafrica",
}
_COUNTRIES = {word: code for code, names in COUNTRIES.items() for word in names.split()}


def country_code(value: str) -> str | None:
    """ISO 3166 code of a country's name or code, for the countries most met in exports.

    >>> country_code("United Kingdom"), country_code("de"), country_code("Atlantis")
    ('GB', 'DE', None)
    """
    text = re.sub(r"[^a-z]", "", plain(value))
    if text.upper() in COUNTRIES:
        return text.upper()
    return _COUNTRIES.get(text)
