/*
 * clients/load/scenario.h - the course of a run: connect, load, wait for everything, judge.
 *
 * Owns:    nothing.
 * Fails:   false; the run has failed and says why. A run that was stopped is not failed: its figures are
 * those so far. Thread:  the loop's; the loop runs meanwhile.
 */
#ifndef RECALL_LOAD_SCENARIO_H
#define RECALL_LOAD_SCENARIO_H

#include "clients/load/run.h"

bool scenario_run(struct run *r);

#endif
