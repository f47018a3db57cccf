package app

import (
	"strings"
)

// sameAs are names under which other people's events have what the library's
// fields hold, without the characters between their words.
var sameAs = map[string][]string{
	"card_id":      {"card", "cardid", "cardnumber", "cardno", "pan", "ccnum", "cardtoken", "cardhash"},
	"customer_id":  {"customer", "customerid", "client", "clientid", "custid", "user", "userid", "account", "accountid"},
	"user_id":      {"user", "userid", "username", "login", "account", "accountid", "principal", "subject", "email", "uid"},
	"owner_id":     {"owner", "ownerid", "user", "userid", "account", "accountid"},
	"merchant_id":  {"merchant", "merchantid", "merchantname", "shop", "store", "vendor", "namedest"},
	"amount":       {"amount", "amt", "total", "value", "sum", "transactionamount", "txamount", "price"},
	"total":        {"total", "amount", "amt", "ordertotal", "value"},
	"decision":     {"decision", "status", "result", "outcome", "response", "approved", "authresult", "state"},
	"country":      {"country", "countrycode", "merchantcountry", "countryiso", "geocountry"},
	"entry":        {"entry", "entrymode", "posentrymode", "channel", "presence"},
	"ip":           {"ip", "ipaddress", "ipaddr", "sourceip", "sourceipaddress", "srcip", "clientip", "remoteaddr", "remoteip"},
	"ok":           {"ok", "success", "successful", "result", "status", "outcome", "loginresult"},
	"device":       {"device", "deviceid", "devicename", "useragent"},
	"new_device":   {"newdevice", "isnewdevice", "unknowndevice"},
	"sensor_id":    {"sensor", "sensorid", "deviceid", "device", "machine", "machineid", "node", "nodeid"},
	"temperature":  {"temperature", "temp", "tempc", "celsius"},
	"from_account": {"fromaccount", "from", "sender", "senderaccount", "nameorig", "source", "debtor"},
	"to_account":   {"toaccount", "to", "receiver", "recipient", "receiveraccount", "namedest", "destination", "creditor"},
	"order_id":     {"order", "orderid", "orderno", "ordernumber"},
	"beneficiary":  {"beneficiary", "payee", "recipient", "to"},
	"symbol":       {"symbol", "ticker", "instrument", "isin"},
	"price":        {"price", "last", "close", "lastprice"},
	"branch":       {"branch", "branchid", "office"},
	"method":       {"method", "paymentmethod", "medium"},
}

// alike says how well a path names a field: 0 not at all, else the less the
// better.
func alike(path, field string) int {
	words := plainName(path[strings.LastIndexByte(path, '.')+1:])
	if words == plainName(field) {
		return 1
	}
	for i, w := range sameAs[field] {
		if w == words {
			return 2 + i
		}
	}
	return 0
}

// plainName is a name in small letters without what stands between words.
func plainName(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		if c != '_' && c != '-' && c != ' ' {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// yes and no are how other people say that something was allowed, or not.
var (
	yes = words("approved ok true success successful succeeded yes y 1 accepted captured completed settled allow allowed authorized authorised 00 0k pass passed granted")
	no  = words("declined no n false failed failure fail denied deny rejected refused 0 error blocked unauthorized unauthorised reversed")
	// modes are how a card was presented, by what the library calls it.
	modes = map[string]map[string]bool{
		"cnp":         words("cnp online ecom ecommerce web internet moto remote cardnotpresent mobile app"),
		"chip":        words("chip emv icc contact"),
		"contactless": words("contactless nfc tap paypass paywave"),
		"magstripe":   words("magstripe swipe swiped magnetic stripe"),
	}
)

func words(text string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(text) {
		m[w] = true
	}
	return m
}
