<?php

/*
 * Copyright (c) 2026, The Hearth developers
 * SPDX-License-Identifier: BSD-2-Clause
 */

namespace OPNsense\Hearth\Api;

use OPNsense\Base\ApiControllerBase;
use OPNsense\Core\ACL;
use OPNsense\Core\Backend;
use OPNsense\Hearth\Agent;
use OPNsense\Hearth\Apply;
use OPNsense\Hearth\Hearth;

/**
 * What the running agent knows. Every answer is the agent's own, or has `error` with a sentence.
 */
class AgentController extends ApiControllerBase
{
    /** Images that are there when the menu has their item, declared or not. */
    private const IMPLIED = ['memtest', 'netboot.xyz'];

    public function statusAction()
    {
        return Agent::ask('status');
    }

    /**
     * What is under way now, and whether something was saved that is not in force (`unapplied`).
     */
    public function overviewAction()
    {
        return Agent::ask('overview') + ['unapplied' => Apply::waits()];
    }

    public function liveAction()
    {
        return Agent::ask('live');
    }

    public function findingsAction()
    {
        return Agent::ask('findings');
    }

    /**
     * Whether the rules that let machines in are loaded: `filter`, `loaded`, `missing`.
     */
    public function firewallAction()
    {
        $answer = json_decode((new Backend())->configdRun('hearth firewall status'), true);
        return $answer ?? ['error' => gettext('The rules cannot be looked at.'), 'state' => 'failed'];
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
        $answer = Agent::ask('machine', [$machine]);
        if (isset($answer['machine'])) {
            $answer['machine']['profile'] = $this->meant()($answer['machine']);
        }
        return $answer;
    }

    /**
     * Which profile is meant for a machine, by what it is declared as or by its policy.
     */
    private function meant(): callable
    {
        $model = new Hearth();
        $profiles = [];
        foreach ($model->profiles->profile->iterateItems() as $uuid => $profile) {
            $profiles[$uuid] = (string)$profile->name;
        }
        $of = function ($rows) use ($profiles) {
            $found = [];
            foreach ($rows->iterateItems() as $row) {
                $found[(string)$row->name] = $profiles[(string)$row->profile] ?? '';
            }
            return $found;
        };
        $machines = $of($model->machines->machine);
        $policies = $of($model->policies->policy);
        return fn($row) => ($machines[$row['declared'] ?? ''] ?? '') ?: ($policies[$row['policy'] ?? ''] ?? '');
    }

    public function searchMachinesAction()
    {
        $answer = Agent::ask('machines');
        $phases = (array)$this->request->getPost('phases');
        $chosen = function ($row) use ($phases) {
            return empty($phases) || in_array($row['phase'], $phases);
        };
        $meant = $this->meant();
        $known = fn($row) => ['profile' => $row['profile'] ?: $meant($row)] + $row;
        $machines = array_map($known, $answer['machines'] ?? []);
        $rows = $this->searchRecordsetBase($machines, null, 'label', $chosen);
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
                'extensions' => '', 'description' => in_array($name, self::IMPLIED)
                    ? gettext('in the menu by itself') : gettext('declared in a fragment'),
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
     * The exact script of a machine: of one that is known (machine: its name, MAC, UUID or number), or of a made-up
     * one by the configuration in force: mac, uuid, platform, arch, ip, manufacturer,
     * product, serial, asset, busid, item, menu, fallback.
     */
    public function scriptAction()
    {
        if (!$this->request->isPost()) {
            return ['error' => gettext('Only POST.'), 'state' => 'refused'];
        }
        return Agent::ask('script', [$this->told('machine')]);
    }

    /**
     * Policies, script and menu by what is declared now, applied or not: `machine` and `facts` as of policies, `told`
     * as `machine` of scripts.
     */
    public function tryoutAction()
    {
        if (!$this->request->isPost()) {
            return ['error' => gettext('Only POST.'), 'state' => 'refused'];
        }
        return Agent::ask('tryout', [$this->text('machine'), $this->text('facts'), $this->told('told')], 120);
    }

    /**
     * What the image factory offers; `factory` is one of one's own.
     */
    public function talosVersionsAction()
    {
        return $this->askFactory('versions', []);
    }

    public function talosExtensionsAction()
    {
        return $this->askFactory('extensions', [$this->text('version')]);
    }

    /**
     * The firewall asks whatever host the URL names, and tells what came back: who may only look has it ask the
     * factories that are declared.
     */
    private function askFactory(string $what, array $with): array
    {
        $factory = $this->text('factory');
        if ($factory !== '' && !$this->isDeclaredFactory($factory) && !$this->mayChange()) {
            return [
                'error' => gettext('Another image factory is asked for who may change network boot.'),
                'state' => 'refused',
            ];
        }
        return Agent::ask($what, [...$with, $factory], 70);
    }

    private function isDeclaredFactory(string $factory): bool
    {
        foreach ((new Hearth())->images->image->iterateItems() as $image) {
            if ($image->factory->isEqual($factory)) {
                return true;
            }
        }
        return false;
    }

    private function mayChange(): bool
    {
        return (new ACL())->isPageAccessible($this->getUserName(), '/api/hearth/settings/add_image');
    }

    /**
     * What the network cards that were seen need.
     */
    public function hintsAction()
    {
        return Agent::ask('hints');
    }

    /**
     * What a script is told, as JSON.
     */
    private function told(string $key): string
    {
        $told = array_filter(
            (array)$this->request->getPost($key),
            fn($value) => is_string($value) && $value !== ''
        );
        return json_encode((object)$told);
    }

    private function text(string $key): string
    {
        $value = $this->request->getPost($key);
        return is_string($value) ? $value : '';
    }
}
