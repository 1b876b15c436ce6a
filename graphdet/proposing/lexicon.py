"""Names that logs give their columns and actions, as data: what each usually means here."""

from __future__ import annotations

from graphdet.events.header import squeezed
from graphdet.schema import NODE_TYPES

# Our column → names, in small letters without anything but letters and digits, that mean it; those that say it best stand first, since of
# two columns that fit the better named is taken. What may mean several things (`type`, `id`, `date`) must agree with its values anyway.
_NAMES: dict[str, tuple[str, ...]] = {
    "user_id": (
        *(
            "userid",
            "user",
            "uid",
            "customeruniqueid",
            "customerid",
            "buyerid",
            "memberid",
            "accountid",
            "visitorid",
            "reviewerid",
            "customer",
            *("kunde", "kundennr", "kundennummer", "kundenid", "nutzerid", "benutzer", "cliente", "clienteid", "usuario", "utilisateur"),
        ),
        *("buyer", "member", "account", "accountname", "username", "login", "actor", "visitor", "reviewer", "client", "clientid", "custid"),
        *("playerid", "player", "shopper", "shopperid", "subscriberid", "nick", "buyernick", "openid", "consumerid", "authorid", "author"),
        *("householdid", "household", "personid", "person", "guestid", "passengerid", "studentid", "patientid", "patronid", "workerid"),
        *("用户", "用户id", "用户编号", "买家", "买家id", "会员", "会员id", "账号", "账户", "客户", "客户id"),
    ),
    "item_id": (
        *("itemid", "item", "productid", "product", "sku", "skuid", "stockcode", "asin", "parentasin", "goodsid", "goods", "articleid"),
        *("listingid", "businessid", "movieid", "bookid", "isbn", "couponid", "offerid", "repository", "repo", "targetid", "contentid"),
        *("trackid", "track", "songid", "song", "albumid", "album", "artistid", "artist", "movie", "filmid", "film", "book", "subreddit"),
        *("courseid", "course", "questionid", "threadid", "hotelid", "hotel", "restaurantid", "restaurant", "venueid", "venue"),
        *("postid", "videoid", "newsid", "gameid", "appid", "url", "path", "page", "pageid", "ean", "upc", "spuid"),
        *("商品", "商品id", "商品编号", "宝贝", "宝贝id", "货品", "货号"),
        *("artikel", "artikelnr", "artikelnummer", "produkt", "produktid", "producto", "produit", "produto", "produtoid"),
    ),
    "device_id": (
        *("deviceid", "devicefingerprint", "fingerprint", "device", "deviceuuid", "imei", "idfa", "gaid", "androidid", "machineid"),
        *("browserid", "cookieid", "cookie", "clientuuid", "installid", "hardwareid", "hwid", "oaid", "设备", "设备id", "设备号"),
    ),
    "ip": (
        *("ip", "ipaddress", "clientip", "ipaddr", "remoteaddr", "remoteip", "userip", "remotehost", "xforwardedfor", "sourceip", "srcip"),
        *("host", "ip地址", "登录ip"),
    ),
    "timestamp": (
        *("timestamp", "eventtime", "orderpurchasetimestamp", "purchasetime", "purchasedate", "ordertime", "orderdate", "invoicedate"),
        *("starredat", "clicktime", "visittime", "logintime", "paytime", "paidat", "createdat", "created", "occurredat", "datetime"),
        *("time", "ts", "unixreviewtime", "reviewtime", "reviewcreationdate", "datereceived", "date", "eventdate", "eventtimestamp"),
        *("logtime", "actiontime", "createtime", "createdtime", "gmtcreate", "时间", "下单时间", "时间戳", "日期", "创建时间", "支付时间"),
        *("zeit", "zeitstempel", "zeitpunkt", "datum", "bestelldatum", "fecha", "hora", "horodatage", "data", "datahora"),
    ),
    "action": (
        *("action", "behaviortype", "behavior", "behaviour", "eventtype", "actiontype", "event", "eventname", "activity", "operation"),
        *("type", "op", "verb", "行为", "行为类型", "操作", "事件"),
    ),
    "category": (
        *("category", "categoryid", "itemcategory", "cat", "catid", "categoryname", "productcategoryname", "categorycode", "genre"),
        *("department", "类目", "类目id", "分类", "品类"),
    ),
    "seller_id": (
        *("sellerid", "seller", "merchantid", "merchant", "shopid", "shop", "storeid", "store", "vendorid", "vendor", "supplierid"),
        *("卖家", "卖家id", "店铺", "店铺id", "商家", "商家id"),
        *("haendler", "händler", "verkaeufer", "verkäufer", "vendedor", "vendeur"),
    ),
    "amount": (
        *("amount", "totalamount", "orderamount", "paymentvalue", "purchasevalue", "total", "totalprice", "price", "unitprice", "value"),
        *("revenue", "paidamount", "payamount", "gmv", "金额", "实付金额", "价格", "订单金额"),
        *("betrag", "summe", "preis", "umsatz", "importe", "precio", "montant", "prix", "valor", "preco"),
    ),
    "currency": (
        "currency",
        "currencycode",
        "currencyiso",
        "curr",
        "币种",
        "货币",
        "waehrung",
        "währung",
        "devise",
        "moneda",
        "moeda",
        "valuta",
    ),
    "payment_id": (
        *("paymentid", "paymentinstrument", "cardid", "cardhash", "cardnumber", "cardfingerprint", "card", "card1", "iban", "bankaccount"),
        *("paymentmethodid", "payeraccount", "walletid", "支付账号", "银行卡"),
    ),
    "address_id": (
        *("addressid", "shippingaddress", "deliveryaddress", "addresshash", "address", "shippingaddressid", "收货地址", "地址"),
    ),
    "phone_id": ("phoneid", "phonenumber", "mobilenumber", "phone", "mobile", "msisdn", "手机号", "联系电话"),
    "coupon_id": ("couponcode", "vouchercode", "promocode", "voucherid", "优惠券id", "券码"),
    "courier_id": ("courierid", "riderid", "deliverymanid", "courier", "快递员", "骑手"),
    "rating": ("rating", "stars", "overall", "reviewscore", "ratingvalue", "评分"),
    "text": ("text", "reviewtext", "reviewcommentmessage", "reviewbody", "comment", "content", "评论", "评价内容"),
    "image": (
        *("image", "imagepath", "imagefile", "photo", "picture", "reviewimage", "reviewphoto", "imageurl"),
        *("图片", "评价图片", "晒图", "买家秀", "图片路径"),
    ),
    "order_id": (
        "orderid",
        "order",
        "invoiceno",
        "invoice",
        "transactionid",
        "basketid",
        "basket",
        "receiptid",
        "receiptno",
        "bestellnr",
        "bestellnummer",
        "pedido",
        "订单",
        "订单号",
        "订单id",
    ),
    "event_id": ("eventid", "eventuuid", "logid", "messageid"),
    "user_agent": ("useragent", "ua", "browserstring"),
    "label": ("label", "isfraud", "fraud", "class", "isspammer", "spammer", "banned"),
}


NAMES = {
    **{column: tuple(dict.fromkeys(names)) for column, names in _NAMES.items()},
    **{one.column: tuple(dict.fromkeys((*_NAMES.get(one.column, ()), *map(squeezed, one.foreign)))) for one in NODE_TYPES},
}

# Times of other things than the event: of the account, the parcel, the row.
OTHER_TIMES = (
    *("signup", "register", "registration", "birth", "deliver", "approved", "estimated", "updated", "modified", "expire", "limit"),
    *("answer", "end", "until", "first", "last", "注册", "更新", "截止"),
)
