<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Api;

use OPNsense\Base\ApiControllerBase;
use OPNsense\Hearth\Agent;

/**
 * What the running agent knows. Every answer is the agent's own, or has `error` with a sentence.
 */
class AgentController extends ApiControllerBase
{
    public function statusAction()
    {
        return Agent::ask('status');
    }

    public function overviewAction()
    {
        return Agent::ask('overview');
    }

    public function liveAction()
    {
        return Agent::ask('live');
    }

    public function findingsAction()
    {
        return Agent::ask('findings');
    }

    public function eventsAction($machine = '')
    {
        return Agent::ask('events', [$machine]);
    }

    /**
     * A machine with its timeline, by name, MAC, UUID or number.
     */
    public function machineAction($machine = '')
    {
        return Agent::ask('machine', [$machine]);
    }

    public function searchMachinesAction()
    {
        $answer = Agent::ask('machines');
        $phases = (array)$this->request->getPost('phases');
        $chosen = function ($row) use ($phases) {
            return empty($phases) || in_array($row['phase'], $phases);
        };
        $rows = $this->searchRecordsetBase($answer['machines'] ?? [], null, 'label', $chosen);
        return $rows + array_intersect_key($answer, ['error' => 1, 'state' => 1, 'more' => 1]);
    }

    public function imagesAction()
    {
        return Agent::ask('images');
    }

    public function fetchesAction()
    {
        return Agent::ask('fetches');
    }

    public function profilesAction()
    {
        return Agent::ask('profiles');
    }

    public function policiesAction()
    {
        return Agent::ask('policies');
    }

    /**
     * Which policy a machine meets: `machine` (a known one), `facts` (lines of KEY=VALUE), or both.
     */
    public function testPoliciesAction()
    {
        if (!$this->request->isPost()) {
            return ['error' => gettext('Only POST.'), 'state' => 'refused'];
        }
        return Agent::ask('policytest', [$this->text('machine'), $this->text('facts')]);
    }

    /**
     * The exact script of a machine, by the configuration in force: mac, uuid, platform, arch, ip, manufacturer,
     * product, serial, asset, busid, item, menu, fallback.
     */
    public function scriptAction()
    {
        if (!$this->request->isPost()) {
            return ['error' => gettext('Only POST.'), 'state' => 'refused'];
        }
        $told = array_filter(
            (array)$this->request->getPost('machine'),
            fn($value) => is_string($value) && $value !== ''
        );
        return Agent::ask('script', [json_encode((object)$told)]);
    }

    public function talosVersionsAction()
    {
        return Agent::ask('versions', [], 70);
    }

    public function talosExtensionsAction($version = '')
    {
        return Agent::ask('extensions', [$version], 70);
    }

    private function text(string $key): string
    {
        $value = $this->request->getPost($key);
        return is_string($value) ? $value : '';
    }
}
