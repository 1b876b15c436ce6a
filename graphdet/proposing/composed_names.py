"""Names of columns that are put together of words, in many languages → which of our columns they mean: `Kunden-Nr.`, 注文日時.

A name counts only where each of its words is known: the thing, words for its number, and what may stand beside it.
"""

from __future__ import annotations

import re
import unicodedata

# Our column → stems of words for the thing in English, German, French, Spanish, Portuguese, Italian, Dutch, the Nordic languages,
# Polish, Czech, Turkish, Russian, Chinese and Japanese; without accents.
_THINGS = {
    "user_id": (
        "user customer buyer member account visitor shopper client household person guest passenger student patient patron "
        "kunde nutzer benutzer kaufer kaeufer "
        "besteller mitglied konto utilisateur "
        "acheteur membre compte cliente usuario comprador socio cuenta conta utente acquirente klant "
        "gebruiker koper kund bruger anvandare "
        "klient klienta uzytkownik uzytkownika zakaznik musteri kullanici пользователь пользователя клиент "
        "клиента покупатель покупателя "
        "用户 买家 会员 客户 顾客 账号 账户 用戶 買家 會員 会員 顧客 ユーザー ユーザ 購入者"
    ),
    "item_id": (
        "item product article goods sku artikel produkt ware produit producto articulo produto artigo "
        "prodotto articolo product produktu towar "
        "towaru vare vara zbozi urun товар товара продукт продукта 商品 宝贝 货品 产品 物品 アイテム 製品"
    ),
    "device_id": (
        "device fingerprint machine gerat geraet endgerat appareil dispositivo aparelho apparaat toestel "
        "enhet enhed urzadzenie urzadzenia "
        "zarizeni cihaz устройство устройства 设备 設備 终端 手机设备 端末 デバイス"
    ),
    "seller_id": (
        "seller shop store merchant vendor handler haendler verkaufer verkaeufer laden vendeur marchand "
        "boutique vendedor tienda loja "
        "venditore negozio verkoper winkel sprzedawca sprzedawcy prodejce satici продавец продавца магазин "
        "店铺 商家 卖家 商户 店舗 出品者"
    ),
    "order_id": (
        "order invoice basket receipt bestellung bestell auftrag rechnung commande facture pedido factura fatura ordine "
        "bestelling ordre zamowienie zamowienia "
        "objednavka siparis заказ заказа 订单 訂單 注文"
    ),
    "payment_id": "card kreditkarte karte zahlungsmittel carte tarjeta cartao kaart karta kart карта карты 银行卡 支付账号 カード",
    "address_id": (
        "address lieferadresse lieferanschrift anschrift adresse direccion domicilio endereco indirizzo adres "
        "adresa адрес адреса "
        "地址 收货地址 住所 配送先 届け先"
    ),
    "timestamp": (
        "time timestamp date datetime zeit uhrzeit zeitpunkt zeitstempel datum tag date heure horodatage "
        "fecha hora data orario tijd tijdstip "
        "dato tid czas datum cas tarih zaman дата время 时间 時間 日期 日時 日付 时刻 時刻"
    ),
    "amount": (
        "amount price total sum value betrag summe preis umsatz montant prix somme importe precio monto valor "
        "preco importo prezzo bedrag prijs "
        "totaal belop belob pris kwota cena castka tutar fiyat сумма цена стоимость 金额 金額 价格 价钱 総額 "
        "価格 単価"
    ),
    "category": (
        "category kategorie warengruppe categorie rubrique categoria kategori kategoria категория 类目 分类 类别 品类 カテゴリ カテゴリー"
    ),
    "action": (
        "action event aktion vorgang ereignis aktionstyp evenement evento accion acao azione actie "
        "gebeurtenis akcja handelse hendelse akce "
        "действие событие 行为 操作 事件 动作 行為 動作 操作"
    ),
}
_FOR_NUMBERS = (
    "id ids nr no num number nummer numero kennung kenn nom code codigo codice kod key schlussel ref "
    "reference referencia riferimento uuid hash "
    "identifier identifikator identificador identifiant identificativo nom номер код ид 编号 號 号 号码 代码 "
    "编码 番号 コード 昵称 名 标题 指纹 识别码"
)
_BETWEEN = (  # of what the time, the sum or the kind is, and words that only join
    "de du des la le les el los del della dell do da of the y und et e di d l in an am "
    "order orders sale sales bestell bestellung kauf buchung commande achat pedido compra ordine acquisto bestelling "
    "zamowienia zamowienie objednavky заказа "
    "create created creation erstell erstellt eingang event log purchase payment pay gesamt total totale "
    "brutto netto ttc ht eur usd euro gbp chf "
    "cny rmb item product artikel hora heure time client clock local utc gmt name device "
    "订单 创建 下单 支付 付款 买家 实际 实付 商品 登录 操作 事件 发生 成交 注文 購入 操作 合計 税込"
)
_FOR_KINDS = "type types typ tipo kind group gruppe groupe grupo family class klasse line 类型 种类 種類 组别 タイプ"


def _plain(text: str) -> str:
    """In small letters without accents; but for the marks that make another letter of one in Japanese."""
    parted = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    return unicodedata.normalize("NFC", "".join(one for one in parted if not unicodedata.combining(one) or one in "\u3099\u309a"))


_NUMBER_WORDS, _BESIDE = frozenset(_plain(_FOR_NUMBERS).split()), frozenset(_plain(_BETWEEN).split())
_KIND_WORDS = frozenset(_plain(_FOR_KINDS).split())
_WORDS = {stem: ours for ours, stems in _THINGS.items() for stem in _plain(stems).split()}
_TAILS = tuple(sorted((stem for stem in _WORDS if len(stem) > 3 or not stem.isascii()), key=len, reverse=True))
_NUMBER_TAILS = tuple(sorted((word for word in _NUMBER_WORDS if len(word) > 3 or not word.isascii()), key=len, reverse=True))
_BESIDE_TAILS = tuple(sorted((word for word in _BESIDE if not word.isascii()), key=len, reverse=True))
_SPLIT = re.compile(r"[^\W\d_]+")
_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[\u3040-\u30ff\u4e00-\u9fff])(?=[A-Za-z])")  # between words of userId, of 端末ID
_EASTERN = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def composed(name: str) -> str:
    """Which of our columns a name means; '' where a word of it is not known, or it means several."""
    words = _SPLIT.findall(_plain(_SEAM.sub(" ", name.strip())))
    parts = [part for word in words for part in _parts(word)]
    if not parts or any(part == "?" for part in parts):
        return ""
    if "ip" in words:
        return "ip" if all(part in ("=", "address_id", "user_id") or part == "-" for part in parts) else ""
    things = [part for part in parts if part not in ("-", "=", "*")]
    if "*" in parts and "action" not in things:  # the kind of a thing: of items it is their category, of others nothing of ours
        return "category" if {*things} in ({"item_id"}, {"category"}) else ""
    for last in ("timestamp", "amount", "category", "action", "address_id"):  # what these are of is told by the other words
        if last in things:
            return last
    return things[0] if len(set(things)) == 1 else ""


def names_a_number(name: str) -> bool:
    """Whether a name ends in a word for ids: `campaign_id`, whatever a campaign is."""
    words = _SPLIT.findall(_plain(_SEAM.sub(" ", name.strip())))
    return len(words) > 1 and words[-1] in _NUMBER_WORDS


def _parts(word: str) -> list[str]:
    """Our column for a thing, "=" for words for numbers, "*" for kinds, "-" for what only stands beside, "?" for what is not known."""
    if word in _KIND_WORDS:
        return ["*"]
    if word in ("ip",) or word in _NUMBER_WORDS:
        return ["="]
    for stem in (word,) if _EASTERN.search(word) else (word, word[:-1], word[:-2]):
        if stem in _WORDS:
            return [_WORDS[stem]]
    if word in _BESIDE:
        return ["-"]
    for tails, told in ((_NUMBER_TAILS, "="), (_TAILS, ""), (_BESIDE_TAILS, "-")):
        tail = next((tail for tail in tails if word.endswith(tail) and len(word) > len(tail)), "")
        if tail:
            before = word[: -len(tail)]
            first = _parts(before)
            return [*first, told or _WORDS[tail]] if "?" not in first else ["?"]
    return ["-"] if word.rstrip("ns") in _BESIDE and not _EASTERN.search(word) else ["?"]
