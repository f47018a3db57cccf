// Package gen generates a mixed stream of events to try rules on: card
// payments, logins and sensors, as rules/library/common.cep declares them, with
// incidents planted among background traffic and a truth file that names them.
//
// The stream is a function of its Options alone: the same options give the same
// bytes on every machine. Background traffic has daily rhythms, home places,
// habits, declines, mistyped passwords, orders that are paid, refunds and warm
// afternoons, so that rules have something to leave alone; near misses look
// like incidents and must not alert.
//
// It is not a model of fraud: how well a rule finds planted incidents says
// nothing about real ones.
package gen
