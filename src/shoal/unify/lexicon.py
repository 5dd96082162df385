"""The words by which files in several languages name their columns, events and states."""

from __future__ import annotations

# A concept, and the words in column names that speak of it.
CONCEPTS = """
customer: customer customers cust client clients buyer shopper consumer kunde kunden kund cliente clientes
    klant klanten acheteur member subscriber household donor guest passenger reviewer person people prospect
    lead contact cardholder musteri kunder klient patient mitglied kontakt
user: user users usr uid utilisateur usuario utente benutzer nutzer gebruiker player login username
account: account accounts org organisation organization company tenant workspace team firma firmen empresa
    entreprise societe azienda bedrijf konto business
anonymous: anonymous anon cookie visitor pseudo fingerprint besucher visiteur gaid idfa distinct
device: device geraet gerat appareil dispositivo
order: order orders invoice transaction transactions txn trans receipt basket bill purchase purchases booking
    bestellung bestellungen bestell auftrag auftrags rechnung rechnungs commande facture pedido factura ordine
    fattura charge payment payments sale sales ticket bon beleg siparis orden compra vente venta verkauf
    verkaufs kauf bestelling
session: session sessions sess visit sitzung sesion sessione
product: product products item items sku stock article asin variant artikel produkt produit producto articulo
    prodotto lineitem movie song album book track film isbn ean upc goods material ware produto clothing
event: event events action activity ereignis aktion evenement evento behavior behaviour verb interaction
id: id ids no nr num number code key nummer numero uuid guid ref reference hash token pk kennung identifier
    nummern
time: time timestamp stamp datetime ts at zeit zeitpunkt hora heure uhrzeit tijd zeitstempel saat ora
date: date dates datum fecha dt dato tarih tag jour giorno dia day days
created: created create creation signup signed registered registration register joined join erstellt angelegt
    anmeldung inscription alta enrolled enrollment onboarded since
updated: updated modified modification changed geaendert edited
year: year jahr annee ano anno yr
month: month monat mois mes mese
quantity: quantity qty units menge anzahl cantidad quantite quantita aantal stueck stuck stueckzahl pieces qte
    quantidade pcs adet antal
price: price preis precio prix prezzo prijs preco fiyat pris prices stueckpreis stuckpreis einzelpreis
unit: unit einzel each unitario unitaire
amount: amount total revenue spend spent value betrag summe umsatz gesamt importe monto montant importo bedrag
    valor valore subtotal gross net paid turnover dollars sum tutar gesamtbetrag gesamtpreis bestellwert
    brutto netto ttc ht amt totale gmv usd eur gbp wert
currency: currency waehrung wahrung devise moneda valuta ccy moeda
category: category categories department kategorie categorie categoria dept aisle genre warengruppe family
country: country land pays pais paese nation ulke landen
city: city ort stadt ville ciudad citta town suburb gemeente
region: region state province bundesland county provincia
postcode: postcode zip zipcode postal plz cap
address: address street adresse strasse rue calle direccion indirizzo hausnummer
email: email mail correo courriel
phone: phone mobile tel telephone telefon handy telefono msisdn cell cellphone mobil telefoon portable
    rufnummer
name: name names naam nombre nom nome bezeichnung title titel titre
first: first given vorname prenom forename fname voornaam
surname: surname nachname apellido lastname familienname achternaam lname cognome
description: description desc beschreibung descripcion descrizione libelle text omschrijving
channel: channel source medium campaign utm kanal canal origin referrer acquisition quelle herkunft
platform: platform os operating browser plattform useragent
page: page url path screen seite pagina uri href
status: status estado statut stato zustand financial
type: type typ tipo kind art
quality: discount rabatt remise tax mwst vat tva steuer iva shipping freight versand versandkosten envio porto
    fee fees cost costs kosten coupon profit margin gebuehr descuento impuesto tip refunded weight compare
last: last latest letzte letzter recent previous ultima dernier
birth: birth dob birthday birthdate geburtstag geburtsdatum naissance nacimiento born age
later: liefer ship versandt shipped delivery delivered due estimated expected expire expires expiry expiration
    end ended ends cancelled fulfilled approved aproved lieferung lieferdatum deleted processed
other: invited invite inviter referred referrer parent manager employee agent staff seller assigned owner by
    operator vendor supplier partner rep salesperson merchant cashier driver verkaeufer billed
gender: gender sex geschlecht sexe genero
card: card karte kundenkarte loyalty
unique: unique object record rec row line index idx
opt: opted opt newsletter subscribed consent accepts accepted unsubscribe
clock: hour minute second stunde minuten
"""

# A name of the Segment spec, and the raw event names, as words, that clearly mean it.
EVENTS = """
Order Completed: purchase | purchased | order completed | order | ordered | transaction | buy | bought |
    checkout completed | order placed | kauf | bestellung | achat | compra | conversion | payment succeeded |
    ecommerce purchase | placed order | checkout complete | in app purchase | charge succeeded
Order Refunded: refund | refunded | order refunded | return | returned | retoure | charge refunded
Order Cancelled: cancel | cancelled | canceled | order cancelled | order canceled | storno
Product Viewed: product view | product viewed | view item | view product | view | viewed | item view | product
    page | detail | product detail | view content | viewed product | pdp | product page view | product detail
    view | produktansicht
Product List Viewed: catalog | catalogue | category | category view | view item list | view category | listing
    | product list | plp | collection view | category page
Product List Filtered: filter | filter results | filtered | product list filtered
Products Searched: search | searched | view search results | products searched | site search | suche
Product Clicked: select item | product click | product clicked | item click
Product Added: add to cart | addtocart | added to cart | product added | add cart | basket add | add to basket
    | cart add | add to bag | warenkorb
Product Removed: remove from cart | removed from cart | product removed | cart remove | remove cart
Cart Viewed: cart | view cart | cart view | cart viewed | basket | basket view | view basket
Product Added to Wishlist: wishlist add | add to wishlist | wishlist | favorite | favourite | product added to
    wishlist
Checkout Started: checkout | begin checkout | checkout started | initiate checkout | start checkout | start
    order | checkout start
Checkout Step Viewed: shipping details | add shipping info | checkout step | checkout step viewed | shipping
Payment Info Entered: payment details | add payment info | payment info entered | payment info
Coupon Applied: coupon applied | apply coupon | promo code applied
Promotion Viewed: promo page | view promotion | promotion viewed | promotion view | promo view
Products Compared: compare | comparison | compare products | product compare | products compared
Pricing Viewed: pricing | pricing page | view pricing | pricing viewed
Signed Up: signup | sign up | signed up | register | registered | registration | account created | user
    created | create account | anmeldung
Signed In: login | log in | signin | sign in | signed in | logged in | user login
Signed Out: logout | log out | signout | sign out | signed out | logged out
Page Viewed: page view | pageview | page viewed | page | visit | screen view | viewed page
Session Started: session start | session started | first visit | start session
Email Opened: email open | email opened | open | opened | open email | mail opened | opened email
Email Link Clicked: email click | email clicked | email link clicked | clicked email | mail clicked
Email Delivered: email delivered | email sent | sent email | email received | received email | delivered
Unsubscribed: unsubscribe | unsubscribed | email unsubscribed
Trial Started: trial started | start trial | trial start
Subscription Started: subscription started | subscribe | subscribed | subscription created | start
    subscription
Subscription Cancelled: subscription cancelled | subscription canceled | churn | churned | cancel subscription
Support Contacted: support chat | support ticket | ticket created | support | contact support | chat started |
    support request
Product Reviewed: review | product review | rate | rating | review submitted | add review
Product Shared: share | product shared | shared
"""

# What became of a customer, the surest first, and the words in the names of columns that record it with two values.
OUTCOMES = """
asked: y target label outcome response responded responder class
left: churn churned churner churners attrition attrited exited exit left abgewandert abwanderung gekundigt kundigung
    resilie resiliation baja abbandono
came: converted conversion purchased bought adopted adoption subscribed renewed upgraded won deposit gekauft compro
    achete konvertiert
owed: default defaulted
money: revenue purchase sale umsatz
"""

# ISO 3166 code, and the names most met in exports.
COUNTRIES = """
AT: austria osterreich
AU: australia
BE: belgium belgien
BR: brazil brasil brasilien
CA: canada kanada
CH: switzerland schweiz suisse
CN: china
CZ: czechia
DE: germany deutschland allemagne alemania
DK: denmark danmark
ES: spain espana spanien
FI: finland suomi
FR: france frankreich
GB: uk england greatbritain unitedkingdom
IE: ireland eire
IN: india indien
IT: italy italia italien
JP: japan
MX: mexico
NL: netherlands nederland niederlande
NO: norway norge
PL: poland polska polen
PT: portugal
SE: sweden sverige
TR: turkey turkiye
US: usa unitedstates unitedstatesofamerica
ZA: southafrica
"""

# What a status says about money, and the words that say it.
STATES = """
taken_back: refunded returned retoure retourniert chargeback rembourse
cancelled: cancelled canceled storniert void voided annule cancelado
never_paid: failed declined pending draft unpaid expired abandoned error incomplete offen
"""


def table(text: str, mark: str | None = None) -> dict[str, tuple[str, ...]]:
    """A block of `name: words` as a mapping; an indented line goes on.

    >>> table("a: x y\\n   z\\nb: w")
    {'a': ('x', 'y', 'z'), 'b': ('w',)}
    """
    found: dict[str, str] = {}
    name = ""
    for line in text.strip().splitlines():
        if line.startswith(" "):
            found[name] += " " + line.strip()
        else:
            name, words = line.split(": ", 1)
            found[name] = words
    return {name: tuple(word.strip() for word in words.split(mark)) for name, words in found.items()}
