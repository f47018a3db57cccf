package gen

import "fmt"

// city is where people live and shops stand.
type city struct {
	country  string
	lat, lon float64
	weight   int
}

var cities = []city{
	{"US", 40.71, -74.01, 18}, {"US", 41.88, -87.63, 12}, {"US", 34.05, -118.24, 12}, {"US", 29.76, -95.37, 8},
	{"CA", 43.65, -79.38, 6}, {"MX", 19.43, -99.13, 3}, {"BR", -23.55, -46.63, 4},
	{"GB", 51.51, -0.13, 8}, {"DE", 52.52, 13.40, 6}, {"FR", 48.86, 2.35, 6}, {"ES", 40.42, -3.70, 3},
	{"RO", 44.43, 26.10, 2}, {"NG", 6.52, 3.38, 2}, {"IN", 19.08, 72.88, 4}, {"SG", 1.35, 103.82, 2},
	{"JP", 35.68, 139.69, 3}, {"AU", -33.87, 151.21, 3},
}

var cityWeights = func() (w []int) {
	for _, c := range cities {
		w = append(w, c.weight)
	}
	return w
}()

// trade is a kind of shop: what people spend there and how they pay.
type trade struct {
	median, spread float64 // of an amount, USD and log scale
	online         bool
	entries        []int // weights of chip, contactless, cnp, magstripe
	weight         int
}

var entryWords = []string{"chip", "contactless", "cnp", "magstripe"}

var trades = []trade{
	{38, 0.6, false, []int{40, 55, 0, 5}, 24},  // groceries
	{7, 0.5, false, []int{10, 88, 0, 2}, 22},   // cafés
	{45, 0.3, false, []int{60, 20, 0, 20}, 12}, // fuel
	{32, 0.6, false, []int{55, 40, 0, 5}, 14},  // restaurants
	{55, 0.9, true, []int{0, 0, 100, 0}, 20},   // online shops
	{14, 0.2, true, []int{0, 0, 100, 0}, 6},    // subscriptions
	{240, 0.7, true, []int{0, 0, 100, 0}, 2},   // travel
}

var tradeWeights = func() (w []int) {
	for _, t := range trades {
		w = append(w, t.weight)
	}
	return w
}()

type merchant struct {
	id    string
	trade *trade
	city  int
}

func makeMerchants(r random, n int) []merchant {
	list := make([]merchant, n)
	for i := range list {
		list[i] = merchant{fmt.Sprintf("m%05d", i+1), &trades[r.pick(tradeWeights)], r.pick(cityWeights)}
	}
	return list
}

// habits draws the merchants that somebody of a city goes to, most of them there.
func habits(r *random, list []merchant, home, n int) []int {
	var own []int
	for tries := 0; len(own) < n; tries++ {
		i := r.below(len(list))
		if tries > 20*n || list[i].city == home || list[i].trade.online && r.chance(0.3) {
			own = append(own, i)
		}
	}
	return own
}

// busy is how much people do in each hour of their day, of 100.
var busy = [24]int{6, 4, 3, 3, 4, 8, 20, 45, 65, 70, 72, 80, 95, 90, 75, 72, 80, 92, 100, 95, 80, 55, 30, 14}

// awake thins a uniform rhythm to that of a place's day.
func awake(r *random, at int64, lon float64) bool {
	hour := (at/hourNS + int64(lon/15) + 48) % 24
	return r.below(100) < busy[hour]
}

// homeIP and wildIP are addresses of customers (10.0.0.0/8) and of attackers
// (198.18.0.0/15, set aside for tests): none belongs to anybody.
func homeIP(r *random) string {
	return fmt.Sprintf("10.%d.%d.%d", r.below(256), r.below(256), 1+r.below(254))
}

func wildIP(r *random) string {
	return fmt.Sprintf("198.%d.%d.%d", 18+r.below(2), r.below(256), 1+r.below(254))
}
