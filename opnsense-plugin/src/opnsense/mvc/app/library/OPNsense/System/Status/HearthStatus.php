<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\System\Status;

use OPNsense\Core\Config;
use OPNsense\Hearth\Agent;
use OPNsense\Hearth\Apply;
use OPNsense\System\AbstractStatus;
use OPNsense\System\SystemStatusCode;

/**
 * What of network boot needs a person: machines that failed or wait, and a boot server that does not run.
 */
class HearthStatus extends AbstractStatus
{
    /** Findings that end only by what a person does, beside all errors. */
    private const NEEDS_PERSON = ['waits-for-approval', 'impostor'];

    public function __construct()
    {
        $this->internalPriority = 20;
        $this->internalPersistent = true;
        $this->internalTitle = gettext('Network Boot');
        $this->internalLocation = '/ui/hearth/';
    }

    public function collectStatus()
    {
        $declared = Config::getInstance()->object()->OPNsense?->hearth?->general?->enabled;
        if ((string)$declared !== '1') {
            return;
        }
        $refused = @file_get_contents(Apply::REFUSED);
        if (!empty($refused)) {
            $this->internalMessage = sprintf(gettext('What is declared is not in force. %s'), $refused);
            $this->internalStatus = SystemStatusCode::ERROR;
            return;
        }
        /* kept by configd for a while, because every page asks */
        $answer = Agent::ask('findings', [], 5);
        if (isset($answer['error'])) {
            if (!in_array($answer['state'] ?? '', ['failed', 'standby'], true)) {
                $this->internalMessage = $answer['error'];
                $this->internalStatus = SystemStatusCode::ERROR;
            }
            return;
        }
        $needed = array_filter($answer['findings'] ?? [], function ($one) {
            return $one['severity'] === 'error' || in_array($one['code'], self::NEEDS_PERSON);
        });
        if (empty($needed)) {
            return;
        }
        /* what a fetch failed of is no machine's */
        $machines = array_unique(array_column(array_filter($needed, fn($one) => isset($one['machine'])), 'label'));
        $said = [];
        if (!empty($machines)) {
            $names = implode(', ', array_slice($machines, 0, 5)) . (count($machines) > 5 ? ', ...' : '');
            $said[] = count($machines) === 1 ?
                sprintf(gettext('One machine needs a look: %s'), $names) :
                sprintf(gettext('%d machines need a look: %s'), count($machines), $names);
        }
        if (count(array_filter($needed, fn($one) => !isset($one['machine']))) > 0) {
            $said[] = gettext('Not everything could be fetched: the page Images says why');
            $this->internalLocation = empty($machines) ? '/ui/hearth/images' : '/ui/hearth/';
        }
        $this->internalMessage = implode('. ', $said);
        $this->internalStatus = in_array('error', array_column($needed, 'severity')) ?
            SystemStatusCode::WARNING : SystemStatusCode::NOTICE;
    }
}
