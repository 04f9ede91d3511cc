<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Api;

use OPNsense\Base\ApiControllerBase;
use OPNsense\Hearth\Agent;
use OPNsense\Hearth\Hearth;

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

    /**
     * Declared images with what is there of each: rows of config.xml, and what was declared elsewhere.
     */
    public function searchImagesAction()
    {
        $answer = Agent::ask('images');
        $there = array_column($answer['images'] ?? [], null, 'name');
        $rows = [];
        foreach ((new Hearth())->images->image->iterateItems() as $uuid => $image) {
            $name = (string)$image->name;
            $rows[] = [
                'uuid' => $uuid, 'name' => $name, 'recipe' => (string)$image->recipe,
                'version' => (string)$image->version, 'extensions' => (string)$image->extensions,
                'description' => (string)$image->description,
            ] + $this->kept($there[$name] ?? null, isset($answer['error']), (string)$image->version);
            unset($there[$name]);
        }
        foreach ($there as $name => $image) {
            $rows[] = [
                'uuid' => '', 'name' => $name, 'recipe' => $image['recipe'], 'version' => $image['version'] ?? '',
                'extensions' => '', 'description' => $image['recipe'] === $name ?
                    gettext('always there') : gettext('declared in a fragment'),
            ] + $this->kept($image, false, $image['version'] ?? '');
        }
        $found = $this->searchRecordsetBase($rows, null, 'name');
        return $found + array_intersect_key($answer, ['error' => 1, 'state' => 1]);
    }

    /**
     * What the agent has of an image.
     */
    private function kept(?array $image, bool $failed, string $version): array
    {
        $files = $image['files'] ?? [];
        $state = $image['state'] ?? ($failed ? 'unknown' : 'unapplied');
        if ($image !== null && ($image['version'] ?? '') !== $version) {
            $state = 'unapplied';
        }
        return [
            'state' => $state, 'missing' => $image['missing'] ?? [], 'remedy' => $image['remedy'] ?? '',
            'size' => array_sum(array_column($files, 'size')), 'files' => $files,
        ];
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

    /**
     * What the image factory offers; `factory` is one of one's own.
     */
    public function talosVersionsAction()
    {
        return Agent::ask('versions', [$this->text('factory')], 70);
    }

    public function talosExtensionsAction()
    {
        return Agent::ask('extensions', [$this->text('version'), $this->text('factory')], 70);
    }

    /**
     * What the network cards that were seen need.
     */
    public function hintsAction()
    {
        return Agent::ask('hints');
    }

    private function text(string $key): string
    {
        $value = $this->request->getPost($key);
        return is_string($value) ? $value : '';
    }
}
