package cep

// currencies is ISO 4217's list of active codes by their number of decimals.
// Funds, bond units and precious metals (XAU, XDR …) have no decimals of
// their own there and are left out, as are testing codes.
var currencies = buildCurrencies()

func buildCurrencies() map[string]uint8 {
	m := make(map[string]uint8, 160)
	for digits, codes := range map[uint8]string{
		0: "BIFCLPDJFGNFISKJPYKMFKRWPYGRWFUGXUYIVNDVUVXAFXOFXPF",
		3: "BHDIQDJODKWDLYDOMRTND",
		4: "CLFUYW",
		2: "AEDAFNALLAMDANGAOAARSAUDAWGAZN" +
			"BAMBBDBDTBGNBMDBNDBOBBOVBRLBSDBTNBWPBYNBZD" +
			"CADCDFCHECHFCHWCNYCOPCOUCRCCUPCVECZK" +
			"DKKDOPDZDEGPERNETBEURFJDFKPGBPGELGHSGIPGMDGTQGYD" +
			"HKDHNLHTGHUFIDRILSINRIRRJMDKESKGSKHRKPWKYDKZT" +
			"LAKLBPLKRLRDLSLMADMDLMGAMKDMMKMNTMOPMRUMURMVRMWKMXNMXVMYRMZN" +
			"NADNGNNIONOKNPRNZDPABPENPGKPHPPKRPLNQAR" +
			"RONRSDRUBSARSBDSCRSDGSEKSGDSHPSLESOSSRDSSPSTNSVCSYPSZL" +
			"THBTJSTMTTOPTRYTTDTWDTZSUAHUSDUSNUYUUZSVEDVESWSTXCDXCG" +
			"YERZARZMWZWG",
	} {
		for i := 0; i < len(codes); i += 3 {
			m[codes[i:i+3]] = digits
		}
	}
	return m
}

// CurrencyDigits returns how many decimals amounts of an ISO 4217 currency
// are written with (USD 2, JPY 0, KWD 3), and whether the code is known. An
// unknown code gets 2.
func CurrencyDigits(code string) (digits int, known bool) {
	d, ok := currencies[code]
	if !ok {
		return 2, false
	}
	return int(d), true
}
